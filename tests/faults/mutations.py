"""Damage of every kind: bytes, lengths, pieces, and structures that a file format allows."""

import dataclasses
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from faults.checksums import checked_blocks, repair

Rng = np.random.Generator

_SIGNATURES = re.compile(
    rb"OHDR|OCHK|TREE|HEAP|SNOD|GCOL|FRHP|FHDB|BTHD|BTLF|EAHD|FAHD|\x89HDF|PK\x01\x02|PK\x03\x04"
    rb"|PK\x05\x06|NUMPY"
)
_EXTREMES = (
    0,
    1,
    2,
    7,
    8,
    0xFF,
    0x7FFF,
    0xFFFF,
    2**31 - 1,
    2**31,
    2**32 - 1,
    2**62,
    2**63,
    2**64 - 1,
)
_TOKENS = (
    b"null",
    b"-1",
    b"1e400",
    b"[]",
    b"{}",
    b'"os/system"',
    b"true",
    b"1" * 400,
    b'"\\u0000"',
)


@dataclasses.dataclass(frozen=True)
class GoodFile:
    """A sound file, its bytes, and its blocks that carry a checksum."""

    path: Path
    content: bytes
    blocks: list[tuple[int, int]]

    @classmethod
    def read(cls, path: Path) -> "GoodFile":
        """The file at `path`."""
        content = path.read_bytes()
        return cls(path, content, checked_blocks(content) if _is_hdf5(path) else [])


def mutate(files: list[GoodFile], rng: Rng, folder: Path) -> tuple[Path, str]:
    """A damaged copy in `folder` of one of the files, and the kind of damage in words."""
    good = files[rng.integers(len(files))]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / good.path.name
    for beside in good.path.parent.glob("*.npy"):
        shutil.copy(beside, folder)
    if _is_hdf5(good.path) and rng.random() < 0.2:
        path.write_bytes(good.content)
        return path, f"{path.name}: {edit_structure(path, rng)}"
    content = bytearray(good.content)
    kinds = list(_KINDS if good.path.suffix != ".json" else [*_KINDS, _change_token])
    names = []
    for _ in range(int(rng.integers(1, 4))):
        kind = kinds[rng.integers(len(kinds))]
        kind(content, rng, files)
        names.append(kind.__name__.strip("_"))
    # The other half shows that the checksums themselves are minded.
    if len(content) == len(good.content) and rng.random() < 0.7:
        repair(content, good.blocks)
    path.write_bytes(content)
    return path, f"{path.name}: {', '.join(names)}"


def _is_hdf5(path: Path) -> bool:
    return path.suffix in (".h5", ".h5ad")


def _place(content: bytearray, rng: Rng, width: int = 1) -> int:
    """A position, mostly close behind a signature: that is where the structure is."""
    last = max(len(content) - width, 0)
    marks = [match.start() for match in _SIGNATURES.finditer(content)]
    if marks and rng.random() < 0.7:
        return min(marks[rng.integers(len(marks))] + int(rng.integers(0, 160)), last)
    return int(rng.integers(0, last + 1))


def _change_bytes(content: bytearray, rng: Rng, _files: list[GoodFile]) -> None:
    for _ in range(int(rng.integers(1, 9))):
        if content:
            content[_place(content, rng)] = int(rng.integers(256))


def _flip_bits(content: bytearray, rng: Rng, _files: list[GoodFile]) -> None:
    for _ in range(int(rng.integers(1, 5))):
        if content:
            content[_place(content, rng)] ^= 1 << int(rng.integers(8))


def _change_length(content: bytearray, rng: Rng, _files: list[GoodFile]) -> None:
    """Write an extreme or a slightly wrong integer over a word of one to eight bytes."""
    width = int(rng.choice([1, 2, 4, 8]))
    if len(content) < width:
        return
    start = _place(content, rng, width)
    old = int.from_bytes(content[start : start + width], "little")
    near = old + int(rng.integers(-16, 17))
    value = near if rng.random() < 0.4 else _EXTREMES[rng.integers(len(_EXTREMES))]
    content[start : start + width] = (value % 2 ** (8 * width)).to_bytes(width, "little")


def _truncate(content: bytearray, rng: Rng, _files: list[GoodFile]) -> None:
    del content[int(rng.integers(0, len(content) + 1)) :]


def _splice(content: bytearray, rng: Rng, files: list[GoodFile]) -> None:
    """Copy a piece of this or another file over a place of this one."""
    donor = files[rng.integers(len(files))].content if rng.random() < 0.5 else bytes(content)
    length = int(rng.integers(1, 513))
    source, target = _place(bytearray(donor), rng, length), _place(content, rng, length)
    piece = donor[source : source + length]
    content[target : target + len(piece)] = piece


def _insert_or_delete(content: bytearray, rng: Rng, _files: list[GoodFile]) -> None:
    start, length = _place(content, rng), int(rng.integers(1, 65))
    if rng.random() < 0.5:
        del content[start : start + length]
    else:
        content[start:start] = rng.bytes(length)


def _blank(content: bytearray, rng: Rng, _files: list[GoodFile]) -> None:
    start, length = _place(content, rng), int(rng.integers(1, 257))
    filler = b"\0" if rng.random() < 0.5 else b"\xff"
    length = min(length, len(content) - start)
    content[start : start + length] = filler * length


def _change_token(content: bytearray, rng: Rng, _files: list[GoodFile]) -> None:
    """Replace one value of a JSON text by another."""
    tokens = list(re.finditer(rb'"[^"]*"|-?[\d.]+(?:e-?\d+)?|null', content))
    if tokens:
        match = tokens[rng.integers(len(tokens))]
        content[match.start() : match.end()] = _TOKENS[rng.integers(len(_TOKENS))]


_KINDS: tuple[Callable[[bytearray, Rng, list[GoodFile]], None], ...] = (
    _change_bytes, _change_bytes, _flip_bits, _change_length, _change_length, _change_length,
    _truncate, _splice, _insert_or_delete, _blank,
)  # fmt: skip


def edit_structure(path: Path, rng: Rng) -> str:
    """Make a valid HDF5 file hostile: links, sizes, types, attributes. Returns what was done."""
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = names[rng.integers(len(names))]
        edit = _EDITS[rng.integers(len(_EDITS))]
        edit(file, name, rng)
    return f"{edit.__name__.strip('_')} at {name}"


def _link(file: h5py.File, name: str, rng: Rng) -> None:
    del file[name]
    file[name] = (
        h5py.ExternalLink("/etc/passwd", "/"),
        h5py.ExternalLink(file.filename, "/"),
        h5py.SoftLink("/nowhere"),
        h5py.SoftLink(f"/{name}"),
        file["/"],
    )[rng.integers(5)]


def _size(file: h5py.File, name: str, rng: Rng) -> None:
    del file[name]
    shape = ((1 << 40, 1 << 10), (1 << 62,), (0, 0), (3,) * 20, (1 << 31, 1))[rng.integers(5)]
    dtype = ("f8", "i1", "f2")[rng.integers(3)]
    file.create_dataset(
        name,
        shape,
        dtype,
        chunks=tuple(min(n, 64) or 1 for n in shape[:2]) + (1,) * len(shape[2:]),
        maxshape=(None,) * len(shape),
    )


def _chunks(file: h5py.File, name: str, rng: Rng) -> None:
    del file[name]
    rows = (10**8, 10**7, 2**29)[rng.integers(3)]
    file.create_dataset(
        name, (30, 1), "f4", maxshape=(None, 1), chunks=(rows, 1), compression="gzip"
    )


def _outside(file: h5py.File, name: str, rng: Rng) -> None:
    del file[name]
    if rng.random() < 0.5:
        file.create_dataset(name, (30, 4), "f4", external=[("/dev/zero", 0, h5py.h5f.UNLIMITED)])
    else:
        layout = h5py.VirtualLayout((30, 4), "f4")
        layout[:] = h5py.VirtualSource("/etc/passwd", "x", (30, 4))
        file.create_virtual_dataset(name, layout)


def _kind(file: h5py.File, name: str, rng: Rng) -> None:
    del file[name]
    kinds = (
        np.zeros(30, dtype=[("a", "f4"), ("b", "i4")]),
        np.zeros((30, 4), dtype="c16"),
        h5py.Empty("f4"),
        np.full((30, 4), np.nan, dtype="f4"),
        np.array([b"\xff\xfe"] * 30),
        np.full(30, 2**63, dtype="u8"),
        np.float64(1.0),
    )
    file[name] = kinds[rng.integers(len(kinds))]


def _attribute(file: h5py.File, name: str, rng: Rng) -> None:
    keys = ["format", "format_version", "default_layer", "class_names", "schema", "version"]
    keys += ["encoding-type", "sequence_length", "layer", "status", "i_xt"]
    values = (
        "\x01",
        "[" * 50_000,
        b"\xff",
        1e308,
        np.arange(7),
        h5py.Empty("f4"),
        '{"float": 1}',
        "1e999",
    )
    where = file if rng.random() < 0.5 else file[name]
    where.attrs[keys[rng.integers(len(keys))]] = values[rng.integers(len(values))]


def _nesting(file: h5py.File, name: str, _rng: Rng) -> None:
    del file[name]
    file.create_group(name + "/g" * 200)


_EDITS = (_link, _link, _size, _chunks, _outside, _kind, _kind, _attribute, _attribute, _nesting)
