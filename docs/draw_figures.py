"""Draw every function of `ib.plot` on the shipped data: python docs/draw_figures.py [FOLDER].

Writes the pictures of docs/figures.md into docs/images, or into FOLDER.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

import ibcollapse as ib
from ibcollapse.landscape import augmentation_path

DATA = Path(__file__).resolve().parents[1] / "data"
SUPCON = DATA / "digits_supcon_a.h5"


def bottleneck() -> Iterator[tuple[str, Axes]]:
    """Curves, loops and trees, of the third epoch: classes apart, but not collapsed."""
    analysis = ib.curve(SUPCON, epoch=3, max_rows=60, max_clusters=6)
    traced = analysis.curve
    yield "information_plane", ib.plot.plot_information_plane(traced, gaussian=analysis.gaussian)
    yield "beta_panel", ib.plot.plot_beta_panel(traced, gaussian=analysis.gaussian)
    yield "separation_tree", ib.plot.plot_separation_tree(traced)
    table = ib.curve(DATA / "wu_fischer_joint.csv", beta_max=2.2, hysteresis=True)
    yield "hysteresis", ib.plot.plot_hysteresis(table.hysteresis[0])
    found = analysis.reliability
    assert found is not None
    yield (
        "calibration",
        ib.plot.plot_calibration(found.confidence, found.accuracy, found.weight * found.n),
    )


def geometry() -> Iterator[tuple[str, Axes]]:
    """Gram matrices, spectra and what augmentations of some strength leave to be learned."""
    report = ib.collapse_geometry(ib.open_features(SUPCON, layer="head", epoch=3))
    yield "gram", ib.plot.plot_gram(report.gram, class_names=report.class_names)
    pair = ib.align(SUPCON, DATA / "digits_supcon_b.h5").bottleneck
    spectrum = ib.plot.plot_canonical_spectrum(pair.rho, null_floor=pair.null_floor)
    yield "canonical_spectrum", spectrum
    signal, noise = np.diag([4.0, 2.0, 1.0, 0.5]), np.diag([0.5, 0.5, 1.0, 1.0])
    path = augmentation_path(
        signal, noise, np.geomspace(0.01, 100, 60), loss="spectral", n_outputs=3
    )
    yield "augmentation_path", ib.plot.plot_augmentation_path(path)


def training() -> Iterator[tuple[str, Axes]]:
    """Measures against epochs, and the network's own path in the information plane."""
    options = ib.CoincidenceOptions(max_rows=40, n_bootstrap=0, n_resamples=0)
    found = ib.dynamics(SUPCON, epochs=[0, 1, 3, 15, 300], options=options)
    columns = found.columns()
    measures = {"NC1": columns["nc1"], "Gram distance to the ETF": columns["etf_distance"]}
    yield "dynamics", ib.plot.plot_dynamics(columns["epoch"], measures, label="deviation")
    yield "plane_path", ib.plot.plot_plane_path(found)


def main(folder: Path) -> None:
    """Draw all into `folder`."""
    for group in (bottleneck, geometry, training):
        for name, ax in group():
            ax.figure.figure.savefig(folder / f"plot_{name}.png", dpi=90)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "images")
