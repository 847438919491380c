"""Foreign text on terminals and pages: names in files and of files may hold control characters."""

import unicodedata


def printable(text: str) -> str:
    """`text` on one line that moves no cursor and is valid XML: what controls becomes an escape.

    Examples
    --------
    >>> printable("a\\x1b[31mb\\nc, Zürich")
    'a\\\\x1b[31mb\\\\nc, Zürich'
    """
    return "".join(repr(c)[1:-1] if _controls(c) else c for c in text)


def _controls(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind.startswith("C") or kind in ("Zl", "Zp")
