"""Damaged and hostile HDF5 files end in one clear line; harmless oddities are read."""

import fcntl
import time

import h5py
import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError
from ibcollapse.features import open_features

X = np.random.default_rng(6).normal(size=(12, 3))
Y = np.arange(12) % 3


@pytest.fixture
def edited(tmp_path):
    """A good file after `edit(file)`."""

    def make(edit, *, without=()):
        path = tmp_path / "f.h5"
        with h5py.File(path, "w") as file:
            for name, values in (("features", X), ("labels", Y)):
                if name not in without:
                    file[name] = values
            edit(file)
        return path

    return make


def refused(path, words, **options):
    with pytest.raises(FeatureFileError, match=words) as error:
        list(open_features(path, **options).chunks())
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_a_file_of_another_format_is_named(tmp_path):
    path = tmp_path / "notes.h5"
    path.write_text("epoch,loss\n")
    refused(path, "not an HDF5 file")
    path.write_bytes(b"")
    refused(path, "not an HDF5 file")


def test_a_truncated_file_says_so(tmp_path):
    path = tmp_path / "f.h5"
    with h5py.File(path, "w") as file:
        file["features"], file["labels"] = X, Y
    path.write_bytes(path.read_bytes()[:-200])
    refused(path, "the file is truncated")


def test_features_stored_in_other_files_are_never_opened(tmp_path, edited):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["features"] = X

    def link(file):
        file["features"] = h5py.ExternalLink("other.h5", "features")

    refused(edited(link, without=["features"]), "features: a link to another file")

    def external(file):
        raw = [(str(tmp_path / "raw.bin"), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("features", (12, 3), "f8", external=raw)

    refused(
        edited(external, without=["features"]), "features: its values are stored in other files"
    )

    def virtual(file):
        layout = h5py.VirtualLayout((12, 3), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "features", (12, 3))
        file.create_virtual_dataset("features", layout)

    refused(edited(virtual, without=["features"]), "features: its values are stored in other files")


def test_soft_links_are_left_out_and_their_target_is_found(edited):
    def link(file):
        file["again"] = h5py.SoftLink("/features")
        file["nowhere"] = h5py.SoftLink("/missing")

    assert open_features(edited(link)).n_samples == 12


def test_a_dataset_under_two_names_is_one_candidate(edited):
    def link(file):
        file["embeddings"] = file["features"]

    assert open_features(edited(link)).n_samples == 12


def test_groups_that_contain_themselves_end(edited):
    def cycle(file):
        group = file.create_group("a/b")
        group["up"] = file["a"]
        group["root"] = file["/"]

    begun = time.perf_counter()
    assert open_features(edited(cycle)).n_samples == 12
    assert time.perf_counter() - begun < 5


def test_groups_nested_without_end_are_refused(edited):
    refused(edited(lambda file: file.create_group("g/" * 100)), "64 nested groups")


def test_a_huge_declared_shape_is_refused_before_anything_is_allocated(edited):
    def huge(file):
        file.create_dataset("features", (10**12, 10**4), "f8", chunks=(1000, 1000))
        file.create_dataset("labels", (10**12,), "i8", chunks=(1000,))

    refused(
        edited(huge, without=["features", "labels"]),
        r"declares .* GiB but stores at most \d+ bytes",
    )


def test_absurd_chunks_are_refused(edited):
    def absurd(file):
        options = {"maxshape": (None, 3), "chunks": (10**8, 3), "compression": "gzip"}
        file.create_dataset("features", (12, 3), "f8", **options)

    refused(
        edited(absurd, without=["features"]), "in chunks of 2.24 GiB; write it in chunks of about"
    )


def test_tables_and_objects_are_named_with_their_fields(edited):
    table = np.zeros(12, dtype=[("x", "f4"), ("y", "i4")])
    refused(
        edited(lambda f: f.create_dataset("features", data=table), without=["features"]),
        "a table with the fields x, y; store each as an array of its own",
    )
    references = h5py.special_dtype(ref=h5py.Reference)
    refused(
        edited(lambda f: f.create_dataset("features", (12, 3), references), without=["features"]),
        "of type object; store float16",
    )


def test_an_empty_dataspace_is_named(edited):
    def empty(file):
        file["features"] = h5py.Empty("f8")

    refused(edited(empty, without=["features"]), "features: an empty dataspace")


def test_zero_rows_are_named(edited):
    def nothing(file):
        file["features"], file["labels"] = X[:0], Y[:0]

    refused(
        edited(nothing, without=["features", "labels"]), r"features is empty \(float64 \(0, 3\)\)"
    )


def test_names_with_control_characters_stay_on_one_line(edited):
    def name(file):
        file["evil\n\x1b[31mname"] = X

    path = edited(name, without=["features", "labels"])
    with pytest.raises(FeatureFileError) as error:
        open_features(path)
    assert "\n" not in str(error.value)
    assert "\x1b" not in str(error.value)


def test_one_chunk_for_the_whole_file_is_decompressed_once(tmp_path):
    path = tmp_path / "f.h5"
    x = np.random.default_rng(0).normal(size=(20_000, 64)).astype("f4")
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=x, chunks=x.shape, compression="gzip")
        file["labels"] = np.arange(20_000) % 2
    source = open_features(path)
    begun = time.perf_counter()
    next(source.chunks())
    once = time.perf_counter() - begun
    begun = time.perf_counter()
    assert sum(len(block) for block, _ in source.chunks(500)) == 20_000
    # Forty blocks; decompressing for each would take forty times as long.
    assert time.perf_counter() - begun < 10 * once


def test_strings_of_fixed_length_are_labels(edited):
    def fixed(file):
        file["labels"] = np.array([b"cat", b"dog", b"emu"])[Y]

    assert open_features(edited(fixed, without=["labels"])).class_names == ("cat", "dog", "emu")


def test_strings_that_are_no_utf8_are_refused(edited):
    def latin(file):
        labels = np.array(["b\xe4r".encode("latin-1"), b"cat", b"dog"], dtype=object)[Y]
        file.create_dataset("labels", data=labels, dtype=h5py.string_dtype())

    refused(edited(latin, without=["labels"]), "cannot read labels: .*utf-8")


def test_a_file_that_is_being_written_says_so(edited, monkeypatch):
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "TRUE")
    path = edited(lambda file: None)
    with path.open("rb") as file:
        # The lock that another process holds while it writes.
        fcntl.flock(file, fcntl.LOCK_EX)
        refused(path, "another program is writing it")


def anndata(file, *, codes=Y, categories=("B", "T", "NK")):
    file.attrs["encoding-type"] = "anndata"
    file["X"] = X
    file["obsm/X_pca"] = X[:, :2]
    file["obs/_index"] = np.arange(12).astype(str).astype(object)
    column = file.create_group("obs/cell_type")
    column.attrs["encoding-type"] = "categorical"
    column["codes"] = np.asarray(codes, dtype=np.int8)
    column.create_dataset("categories", data=np.array(categories, dtype=object))


def test_anndata_categories_are_classes(edited):
    codes = np.where(np.arange(12) < 1, -1, Y)
    path = edited(lambda file: anndata(file, codes=codes), without=["features", "labels"])
    source = open_features(path)
    assert source.class_names == ("B", "T", "NK")
    np.testing.assert_array_equal(source.labels, Y[1:])
    assert source.n_features == 3
    assert open_features(path, features_key="obsm/X_pca").n_features == 2


def test_an_unused_anndata_category_is_no_empty_class(edited):
    source = open_features(
        edited(lambda file: anndata(file, codes=2 * (Y // 2)), without=["features", "labels"])
    )
    assert source.class_names == ("B", "NK")


def test_anndata_codes_beyond_the_categories_are_refused(edited):
    path = edited(lambda f: anndata(f, categories=("B", "T")), without=["features", "labels"])
    refused(path, "codes outside its 2 categories")


def test_a_sparse_matrix_says_how_to_make_it_dense(edited):
    def sparse(file):
        anndata(file)
        del file["X"], file["obsm"]
        file.create_group("X").attrs["encoding-type"] = "csr_matrix"

    refused(edited(sparse, without=["features", "labels"]), "X: a sparse matrix; store it dense")
