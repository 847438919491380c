import numpy as np
import pytest

from ibcollapse.errors import FeatureFileError, InputError
from ibcollapse.features.pooling import pool_block, pooled_width

TOKENS = np.arange(2 * 3 * 4, dtype=np.float32).reshape(2, 3, 4)
MAPS = np.arange(2 * 3 * 4 * 5, dtype=np.float32).reshape(2, 3, 4, 5)


@pytest.mark.parametrize(
    ("x", "pool", "expected"),
    [
        (TOKENS, "mean", (TOKENS[:, 0] + TOKENS[:, 1] + TOKENS[:, 2]) / 3),
        (TOKENS, "first", TOKENS[:, 0]),
        (TOKENS, "last", TOKENS[:, 2]),
        (TOKENS, "flatten", TOKENS.reshape(2, 12)),
        (MAPS, "mean-nchw", np.einsum("nchw->nc", MAPS) / 20),
        (MAPS, "mean-nhwc", np.einsum("nhwc->nc", MAPS) / 12),
        (MAPS, "flatten", MAPS.reshape(2, 60)),
        (MAPS[None], "flatten", MAPS.reshape(1, 120)),
    ],
)
def test_poolings_agree_with_their_definition(x, pool, expected):
    found = pool_block(x, pool)
    np.testing.assert_allclose(found, expected, rtol=1e-14)
    assert pooled_width(x.shape, pool, "f.h5: x") == expected.shape[1]


@pytest.mark.parametrize(("shape", "width"), [((5, 7, 1, 1), 7), ((5, 1, 7), 7), ((5, 1, 1), 1)])
def test_axes_of_length_one_need_no_pooling(shape, width):
    assert pooled_width(shape, None, "f.h5: x") == width
    assert pool_block(np.zeros(shape), None).shape == (5, width)


@pytest.mark.parametrize(
    ("shape", "pool", "options"),
    [
        ((9, 3, 4), None, ["--pool mean", "--pool first", "--pool last", "--pool flatten"]),
        ((9, 3, 4, 4), None, ["--pool mean-nchw", "--pool mean-nhwc", "--pool flatten"]),
        ((9, 3, 4, 4), "mean", ["--pool mean-nchw", "--pool mean-nhwc"]),
        ((9, 2, 3, 4, 4), None, ["--pool flatten"]),
    ],
)
def test_more_axes_are_refused_with_the_options_that_fit(shape, pool, options):
    with pytest.raises(FeatureFileError) as error:
        pooled_width(shape, pool, "f.h5: x")
    assert all(option in str(error.value) for option in options)
    assert str(shape) in str(error.value)


def test_features_of_one_axis_are_refused():
    with pytest.raises(FeatureFileError, match=r"shape \(9,\), expected \(n_samples, n_features\)"):
        pooled_width((9,), None, "f.h5: x")


def test_an_unknown_pooling_is_an_input_error():
    with pytest.raises(InputError, match="'max'"):
        pooled_width((9, 3), "max", "f.h5: x")


def test_averages_of_float16_do_not_overflow():
    x = np.full((1, 4, 1), 60000, dtype=np.float16)
    # float16 accumulation would give inf: 4 * 60000 > 65504.
    assert pool_block(x, "mean")[0, 0] == pytest.approx(60000, rel=1e-3)
