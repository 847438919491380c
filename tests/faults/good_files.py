"""Small sound files of every format that is read, to be damaged."""

from pathlib import Path

import h5py
import numpy as np

import ibcollapse as ib
from ibcollapse.features import FeatureWriter
from ibcollapse.serialize import save

_ROWS = 30


def make_good_files(folder: Path) -> list[Path]:
    """One file a format; those whose name begins with "result" are result files."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(3)
    y = np.arange(_ROWS) % 3
    x = (np.eye(3, 4)[y] * 2.0 + rng.normal(size=(_ROWS, 4))).astype(np.float32)
    _native(folder / "native.h5", x, y)
    _earliest(folder / "earliest.h5", x, y)
    _anndata(folder / "anndata.h5ad", x, y)
    np.savez_compressed(folder / "archive.npz", features=x, labels=y)
    np.save(folder / "train_features.npy", x)
    np.save(folder / "train_labels.npy", y)
    _tensors(folder, x, y)
    channel = ib.Channel.from_joint([[0.45, 0.05], [0.05, 0.45]], class_names=["a", "b"])
    analysis = ib.curve(channel, beta_max=1.7, n_points=3)
    save(analysis, folder / "result_analysis.h5")
    save(analysis, folder / "result_analysis.json")
    save(channel, folder / "result_channel.h5")
    return sorted(folder.iterdir())


def _native(path: Path, x: np.ndarray, y: np.ndarray) -> None:
    with FeatureWriter(path, class_names=["cat", "dog", "emu"], provenance={"loss": "ce"}) as file:
        for epoch in (0, 5):
            for split in ("train", "test"):
                ids = np.arange(_ROWS)
                layers = {"encoder": x + epoch, "head": x[:, :2]}
                file.append(layers, y, epoch=epoch, split=split, ids=ids, logits=x[:, :3])
            file.classifier(np.ones((3, 2)), np.zeros(3), layer="head", epoch=epoch)
            file.metrics(epoch=epoch, loss=0.3, test_accuracy=0.9)


def _earliest(path: Path, x: np.ndarray, y: np.ndarray) -> None:
    """The oldest file format: symbol tables and B-trees, no checksums."""
    with h5py.File(path, "w", libver=("earliest", "v108")) as file:
        group = file.create_group("train")
        group.create_dataset(
            "features", data=x, chunks=(7, 4), compression="gzip", shuffle=True, fletcher32=True
        )
        group["labels"] = np.array(["cat", "dog", "emu"], dtype=object)[y]
        file.attrs["names"] = np.array(["cat", "dog", "emu"], dtype=object)
        file["train"].attrs["lr"] = 0.1


def _anndata(path: Path, x: np.ndarray, y: np.ndarray) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["encoding-type"] = "anndata"
        file["X"] = x
        file["obsm/X_pca"] = x[:, :2]
        column = file.create_group("obs/cell_type")
        column.attrs["encoding-type"] = "categorical"
        column["codes"] = y.astype(np.int8)
        column.create_dataset("categories", data=np.array(["B", "T", "NK"], dtype=object))


def _tensors(folder: Path, x: np.ndarray, y: np.ndarray) -> None:
    """Files of torch and safetensors, where these extras are installed."""
    try:
        import torch
        from safetensors.numpy import save_file
    except ImportError:
        return
    torch.save({"features": torch.from_numpy(x), "labels": torch.from_numpy(y)}, folder / "t.pt")
    save_file({"features": x, "labels": y}, folder / "t.safetensors")
