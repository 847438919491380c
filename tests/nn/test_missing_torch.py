import subprocess
import sys


def test_absence_of_torch_names_the_extra():
    program = (
        "import sys\n"
        "sys.modules['torch'] = None\n"
        "from ibcollapse.errors import MissingExtraError\n"
        "try:\n"
        "    import ibcollapse.nn\n"
        "except MissingExtraError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == ("ibcollapse.nn needs the extra 'torch': pip install torch\n")
