"""How far from collapse the networks of docs/coincidence.md are, at their last checkpoint.

    python -m benchmarks.experiments.collapse_table FOLDER

A row a network: the digits files in data/, and the files of train_fashion.py in FOLDER. Figures of
the head, stored and measured on the training and on the test split; classes weigh the same.
"""

import sys
from pathlib import Path

import ibcollapse as ib
from benchmarks.experiments.paired import print_table

DATA = Path(__file__).parents[2] / "data"


def main(folder: Path) -> None:
    files = [*DATA.glob("digits_*.h5"), *folder.glob("fashion_*.h5")]
    print_table([row_of(path) for path in sorted(files)])


def row_of(path: Path) -> dict[str, object]:
    """Accuracy, NC1 and distance of the class means' Gram to the simplex ETF, on both splits."""
    row: dict[str, object] = {"network": path.stem}
    for split in ("train", "test"):
        source = ib.open_features(path, layer="head", split=split)
        report = ib.collapse_geometry(source)
        assert source.epoch is not None
        stored = source.contents.metrics[source.epoch]
        row |= {"epoch": source.epoch} if split == "train" else {}
        row |= {
            f"{split} samples": source.n_samples,
            f"{split} accuracy": f"{stored[f'{split}_accuracy']:.3f}",
            f"{split} NC1": f"{report.nc1:.2g}",
            f"{split} off ETF": f"{report.etf_distance:.3f}",
        }
    return row


if __name__ == "__main__":
    main(Path(sys.argv[1]))
