"""`python -m ibcollapse`: the command line, as the installed `ibcollapse` starts it."""

from ibcollapse_cli.main import main

if __name__ == "__main__":
    main(prog_name="ibcollapse")
