"""Internal errors that are caught so that what was finished before them is handed over."""

import logging

_LOG = logging.getLogger("ibcollapse")
# Without a handler Python would print errors: the library never does.
_LOG.addHandler(logging.NullHandler())


def log_caught(text: str) -> None:
    """Tell the logger "ibcollapse" `text` and the traceback of the error that is being handled.

    The command line keeps that traceback in a file; a program sees it with `logging.basicConfig()`.
    """
    _LOG.error(text, exc_info=True)
