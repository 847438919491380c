"""A check of the one damage on which HDF5 itself never comes back.

Strings of variable length live in global heaps, blocks marked "GCOL". HDF5 (2.0 at least) walks
such a block by the sizes of its objects, and loops forever, holding the interpreter so that not
even Ctrl-C ends it, when the size of a free object (index 0) is zero.
"""

import mmap
import struct
from pathlib import Path

_MARK = b"GCOL\x01\0\0\0"
_HEADER = struct.Struct("<8sQ")
_OBJECT = struct.Struct("<HH4xQ")
# Searching costs about 0.1 s for this much; larger files are trusted to be what they seem.
_SEARCHED_BYTES = 1 << 28


def find_endless_heap(path: Path) -> int | None:
    """Byte at which a file, of up to 256 MiB, has a global heap that HDF5 could not leave.

    None when there is none, or when the file is larger.
    """
    size = path.stat().st_size
    if not 0 < size <= _SEARCHED_BYTES:
        return None
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        heap = content.find(_MARK)
        while heap >= 0:
            if _never_ends(content, heap):
                return heap
            heap = content.find(_MARK, heap + len(_MARK))
    return None


def _never_ends(content: mmap.mmap, heap: int) -> bool:
    if heap + _HEADER.size > len(content):
        return False
    end = min(heap + _HEADER.unpack_from(content, heap)[1], len(content))
    position = heap + _HEADER.size
    while position + _OBJECT.size <= end:
        index, _, length = _OBJECT.unpack_from(content, position)
        # Objects in use are padded to eight bytes behind their header; HDF5 counts modulo 2**64.
        step = (_OBJECT.size + (length + 7) // 8 * 8 if index else length) % 2**64
        if step == 0:
            return True
        position += step
    return False
