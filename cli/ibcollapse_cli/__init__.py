"""The command line of ibcollapse."""
