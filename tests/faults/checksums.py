"""Blocks of an HDF5 file that carry a checksum, and its repair after the block was changed.

Without the repair HDF5 itself refuses nearly every changed byte of a modern file, and what a file
made on purpose could do is never tried. Bob Jenkins's lookup3, public domain, as HDF5 uses it.
"""

import re
import struct

_SIGNATURES = re.compile(
    rb"OHDR|OCHK|FRHP|FHDB|FHIB|BTHD|BTIN|BTLF|EAHD|EAIB|EADB|FAHD|FADB|FSHD|FSSE|SMTB|SMLI"
    rb"|\x89HDF\r\n\x1a\n"
)
_LONGEST = 600
_WORD = 0xFFFFFFFF


def _rotate(x: int, k: int) -> int:
    return ((x << k) | (x >> (32 - k))) & _WORD


def lookup3(data: bytes) -> int:
    """Checksum of `data`, as HDF5 stores it behind a block."""
    a = b = c = (0xDEADBEEF + len(data)) & _WORD
    if not data:
        return c
    last = (len(data) - 1) // 12 * 12
    for start in range(0, last, 12):
        u, v, w = struct.unpack_from("<3I", data, start)
        a, b, c = (a + u) & _WORD, (b + v) & _WORD, (c + w) & _WORD
        a, c = ((a - c) & _WORD) ^ _rotate(c, 4), (c + b) & _WORD
        b, a = ((b - a) & _WORD) ^ _rotate(a, 6), (a + c) & _WORD
        c, b = ((c - b) & _WORD) ^ _rotate(b, 8), (b + a) & _WORD
        a, c = ((a - c) & _WORD) ^ _rotate(c, 16), (c + b) & _WORD
        b, a = ((b - a) & _WORD) ^ _rotate(a, 19), (a + c) & _WORD
        c, b = ((c - b) & _WORD) ^ _rotate(b, 4), (b + a) & _WORD
    u, v, w = struct.unpack("<3I", data[last:].ljust(12, b"\0"))
    a, b, c = (a + u) & _WORD, (b + v) & _WORD, (c + w) & _WORD
    c = ((c ^ b) - _rotate(b, 14)) & _WORD
    a = ((a ^ c) - _rotate(c, 11)) & _WORD
    b = ((b ^ a) - _rotate(a, 25)) & _WORD
    c = ((c ^ b) - _rotate(b, 16)) & _WORD
    a = ((a ^ c) - _rotate(c, 4)) & _WORD
    b = ((b ^ a) - _rotate(a, 14)) & _WORD
    return ((c ^ b) - _rotate(b, 24)) & _WORD


def checked_blocks(content: bytes) -> list[tuple[int, int]]:
    """(start, end) of every block of up to 600 bytes whose checksum stands at its end."""
    found = []
    for match in _SIGNATURES.finditer(content):
        start = match.start()
        for end in range(start + 8, min(start + _LONGEST, len(content) - 4)):
            if content[end : end + 4] == struct.pack("<I", lookup3(content[start:end])):
                found.append((start, end))
                break
    return found


def repair(content: bytearray, blocks: list[tuple[int, int]]) -> None:
    """Write the right checksum behind every block."""
    for start, end in blocks:
        struct.pack_into("<I", content, end, lookup3(bytes(content[start:end])))
