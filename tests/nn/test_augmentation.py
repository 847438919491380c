import numpy as np
import pytest

torch = pytest.importorskip("torch")

from ibcollapse.errors import InputError  # noqa: E402
from ibcollapse.nn import Augmentation, TrainingPlan  # noqa: E402
from ibcollapse.nn.augmentation import plan_views  # noqa: E402

pytestmark = pytest.mark.torch


def generator(seed=0):
    return np.random.default_rng(seed)


def images(n=200, height=6, width=5):
    # No value is zero, so that every zero of a view was put there.
    return 1.0 + torch.rand(n, 2, height, width, generator=torch.Generator().manual_seed(3))


def test_without_changes_a_view_is_the_sample():
    x = images()
    assert torch.equal(Augmentation().view(x, generator()), x)


@pytest.mark.parametrize(
    "options", [{"shift": 1}, {"flip": 0.5}, {"noise": 0.1}, {"erase": 0.4}], ids=str
)
def test_two_views_differ_and_follow_from_the_generator(options):
    x = images()
    kept = x.clone()
    augmentation = Augmentation(**options)
    first, second = augmentation.two_views(x, generator())
    assert torch.equal(x, kept)
    assert first.shape == second.shape == x.shape
    assert first.dtype == x.dtype
    assert not torch.equal(first, second)
    again = augmentation.two_views(x, generator())
    assert torch.equal(first, again[0])
    assert torch.equal(second, again[1])
    assert not torch.equal(first, augmentation.view(x, generator(1)))


def test_a_shift_moves_each_image_whole():
    x = images()
    seen = set()
    for image, moved in zip(x, Augmentation(shift=2).view(x, generator()), strict=True):
        found = []
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                padded = torch.nn.functional.pad(image, (2, 2, 2, 2))
                if torch.equal(padded[:, 2 + dy : 8 + dy, 2 + dx : 7 + dx], moved):
                    found.append((dy, dx))
        assert len(found) == 1
        seen.update(found)
    # 200 images, 25 equally likely shifts: one is missed with a probability of 25 · 0.96^200.
    assert len(seen) == 25


def test_a_flip_mirrors_about_the_asked_share():
    x = images(n=1000)
    view = Augmentation(flip=0.3).view(x, generator())
    mirrored = (view == x.flip(-1)).all(dim=(1, 2, 3))
    assert ((view == x).all(dim=(1, 2, 3)) ^ mirrored).all()
    # Binomial deviation 0.0145; four of them.
    assert abs(mirrored.double().mean().item() - 0.3) < 0.058
    assert torch.equal(Augmentation(flip=1.0).view(x, generator()), x.flip(-1))


def test_erasing_clears_one_square_inside():
    x = images()
    view = Augmentation(erase=0.4).view(x, generator())
    cleared = view == 0
    # round(0.4 · 5) = 2 pixels, in both channels.
    assert (cleared.sum(dim=(1, 2, 3)) == 2 * 4).all()
    assert torch.equal(view[~cleared], x[~cleared])
    assert (cleared.any(dim=3).sum(dim=2) == 2).all()
    assert (cleared.any(dim=2).sum(dim=2) == 2).all()
    assert cleared.any(dim=0).all()


def test_noise_has_the_asked_deviation():
    rows = torch.zeros(4000, 25)
    view = Augmentation(noise=0.3).view(rows, generator())
    # 1e5 values: relative deviation of the estimate 0.22 %.
    assert view.std().item() == pytest.approx(0.3, rel=0.01)
    assert view.mean().item() == pytest.approx(0.0, abs=0.004)


@pytest.mark.parametrize(
    ("options", "shape", "message"),
    [
        ({"shift": 1}, (7,), "are no images"),
        ({"flip": 0.5}, (7,), "use noise alone"),
        ({"erase": 0.5}, (7,), "are no images"),
        ({"shift": 5}, (1, 8, 5), "a shift by 5 pixels empties"),
        ({"erase": 0.05}, (1, 8, 8), "less than half a pixel"),
    ],
)
def test_samples_that_cannot_be_changed_are_named(options, shape, message):
    with pytest.raises(InputError, match=message):
        Augmentation(**options).check(shape)


def test_a_plan_gives_its_views_to_self_supervised_losses_only():
    plan = TrainingPlan(loss="vicreg", augment_shift=1, augment_erase=0.25)
    assert plan_views(plan, (1, 8, 8)) == Augmentation(shift=1, erase=0.25)
    assert plan_views(TrainingPlan(), (1, 8, 8)) is None
