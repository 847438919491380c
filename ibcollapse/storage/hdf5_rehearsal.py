"""Reading an HDF5 file where a crash does no harm: the program of a process of its own.

HDF5 trusts what it reads: on damaged metadata it may follow wild pointers or walk in circles, and
no exception comes of that. This program walks a file as a reader would: it opens every object,
reads every attribute, and reads arrays, up to a limit. It is started by `hdf5_guard`, imports
nothing of the package, and forks for each file, so that a crash costs one child.
"""

import contextlib
import importlib
import math
import os
import resource
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import h5py

# What HDF5 reports of damage; a lack of memory is none.
_REPORTED = (OSError, RuntimeError, ValueError, TypeError, KeyError, AttributeError, OverflowError)

# Between two objects; a second more for each 16 MiB, because a chunk index is walked in one go.
_CPU_SECONDS = 3
_BYTES_A_SECOND = 16 << 20
_MEMORY_BYTES = 3 << 30
_OBJECTS = 100_000
_ARRAY_BYTES = 4 << 20
_TOTAL_BYTES = 16 << 20
_MAX_COMPRESSION = 1100


def rehearse(path: bytes) -> None:
    """Walk the file at `path`; errors that HDF5 reports are the real reader's to meet again."""
    budget = _TOTAL_BYTES
    with h5py.File(path, "r") as file:
        seen: set[int] = set()
        pending = [file]
        while pending:
            group = pending.pop()
            for item in _new_members(group, seen):
                if isinstance(item, h5py.Group):
                    pending.append(item)
                elif isinstance(item, h5py.Dataset):
                    with contextlib.suppress(*_REPORTED):
                        budget -= _read_array(item, budget)
                    _read_attributes(item)
            _read_attributes(group)


def _new_members(group: h5py.Group, seen: set[int]) -> Iterator[h5py.Group | h5py.Dataset]:
    """What is linked in `group` and was not met before, by the address that the link names."""
    with contextlib.suppress(*_REPORTED):
        for name in group:
            _postpone_limit(group.file.id.get_filesize())
            with contextlib.suppress(*_REPORTED):
                link = group.id.links.get_info(name.encode("utf-8", "surrogateescape"))
                known = link.type != h5py.h5l.TYPE_HARD or link.u in seen
                if not known and len(seen) < _OBJECTS:
                    seen.add(link.u)
                    yield group[name]


def _read_attributes(item: h5py.Group | h5py.Dataset) -> None:
    names: list[str] = []
    with contextlib.suppress(*_REPORTED):
        names += item.attrs
    for name in names:
        with contextlib.suppress(*_REPORTED):
            if item.attrs.get_id(name).get_storage_size() <= _ARRAY_BYTES:
                item.attrs[name]


def _read_array(dataset: h5py.Dataset, budget: int) -> int:
    """Ask what a reader asks of a dataset, read what the budget allows; the bytes that it took."""
    if dataset.external is not None or dataset.is_virtual or dataset.shape is None:
        return 0
    itemsize = int(dataset.dtype.itemsize)
    if dataset.size * itemsize > _MAX_COMPRESSION * dataset.file.id.get_filesize() + _TOTAL_BYTES:
        # Readers refuse it; HDF5 would count its chunks one by one, for hours.
        return 0
    dataset.id.get_storage_size()
    if dataset.chunks:
        _load_filters(dataset)
        dataset.id.get_num_chunks()
        if math.prod(dataset.chunks) * itemsize > _ARRAY_BYTES:
            return 0
    size = int(dataset.size * itemsize)
    if size <= min(budget, _ARRAY_BYTES):
        dataset[...]
        return size
    row = size // max(int(dataset.shape[0]), 1)
    if row <= min(budget, _ARRAY_BYTES):
        dataset[0]
        dataset[dataset.shape[0] - 1]
        return 2 * row
    return 0


def _load_filters(dataset: h5py.Dataset) -> None:
    """Make known to HDF5 the filters that a reader will use, where they are installed."""
    properties = dataset.id.get_create_plist()
    codes = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    if not all(map(h5py.h5z.filter_avail, codes)):
        with contextlib.suppress(ImportError):
            importlib.import_module("hdf5plugin")


def _postpone_limit(size: int) -> None:
    """Allow another few seconds of computing: an endless loop does not come here again."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    limit = int(time.process_time()) + _CPU_SECONDS + size // _BYTES_A_SECOND
    resource.setrlimit(resource.RLIMIT_CPU, (limit, hard))


def _child(path: bytes, too_large: int) -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _MEMORY_BYTES, used + _MEMORY_BYTES))
    _postpone_limit(Path(os.fsdecode(path)).stat().st_size)
    try:
        rehearse(path)
    except MemoryError:
        return too_large
    except Exception:
        return 0
    return 0


def main() -> None:
    """Answer each line, a path in hexadecimal, by the exit code of a child that read the file.

    The argument is the exit code of one that ran out of memory.
    """
    too_large = int(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            os._exit(_child(bytes.fromhex(line), too_large))
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
