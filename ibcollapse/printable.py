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


def encodable(text: str, encoding: str = "utf-8") -> str:
    """`text` with an escape for each sign that `encoding` has no bytes for.

    In UTF-8 these are the bytes of a file's name that are not UTF-8 themselves (PEP 383).

    Examples
    --------
    >>> encodable("a → b", "latin-1")
    'a \\\\u2192 b'
    >>> encodable("caf\\udce9")
    'caf\\\\udce9'
    """
    return text.encode(encoding, "backslashreplace").decode(encoding)


def _controls(character: str) -> bool:
    kind = unicodedata.category(character)
    return kind.startswith("C") or kind in ("Zl", "Zp")
