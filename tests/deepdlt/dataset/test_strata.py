"""Strata are those of pandas, and name what they hold."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from deepdlt.dataset.strata import category_strata, level_strata, quantile_strata

NUMBERS = st.lists(st.floats(-1e6, 1e6) | st.sampled_from([5.5, 8.5, 19.0]), min_size=1, max_size=60)

# Images per label value in the 167-image sheet. Expected strata made by pandas 3.1.1:
#   python -c "import pandas as pd, numpy as np; v = pd.Series(np.repeat(VALUES, COUNTS)).repeat(100);
#   print(v.groupby(pd.qcut(v, 5, labels=False, duplicates='drop')).unique())"
ANGLE = {5.5: 28, 8.5: 17, 19.0: 122}
N_PULSES = {10: 51, 20: 16, 50: 56, 100: 34, 500: 10}
PULSE_ENERGY_UJ = dict(
    zip(
        [14, 16, 20, 21, 23, 25, 26, 27, 35, 40, 41, 42, 44, 46, 50, 52, 61, 78, 94],
        [5, 5, 10, 17, 9, 16, 8, 1, 4, 24, 5, 21, 3, 8, 8, 10, 7, 3, 3],
        strict=True,
    )
)
REAL_LABELS = [
    pytest.param(ANGLE, [[5.5, 8.5], [19.0]], ("[5.5, 8.5]", "(8.5, 19]"), id="angle"),
    pytest.param(
        N_PULSES, [[10, 20], [50], [100], [500]], ("[10, 20]", "(20, 50]", "(50, 100]", "(100, 500]"), id="NP"
    ),
    pytest.param(
        PULSE_ENERGY_UJ,
        [[14, 16, 20, 21], [23, 25, 26], [27, 35, 40, 41], [42, 44, 46], [50, 52, 61, 78, 94]],
        ("[14, 21]", "(21, 26]", "(26, 41]", "(41, 46]", "(46, 94]"),
        id="EP1",
    ),
]

# python -c "import pandas as pd; print(pd.qcut(pd.Series(VALUES), 5, labels=False, duplicates='drop').tolist())"
FROM_PANDAS = [
    ([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]),
    ([0, 0, 0, 0, 1], [0, 0, 0, 0, 1]),
    ([1, 1, 2], [0, 0, 2]),
    ([-0.1, 0.3, 0.1 * 3, 1e9], [0, 1, 2, 4]),
    (list(range(21)), [0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4]),
]


@pytest.mark.parametrize(("images", "groups", "names"), REAL_LABELS)
def test_real_labels_fall_into_the_strata_of_pandas(
    images: dict[float, int], groups: list[list[float]], names: tuple[str, ...]
) -> None:
    """Angles 5.5 and 8.5 share a stratum, and so do 10 and 20 pulses, counted over 100 patches an image."""
    values = np.repeat(list(images), [100 * n for n in images.values()])
    strata = quantile_strata(values)
    assert [np.unique(values[strata.codes == code]).tolist() for code in range(len(groups))] == groups
    assert strata.names == names


@pytest.mark.parametrize(("values", "codes"), FROM_PANDAS, ids=str)
def test_codes_equal_those_of_pandas(values: list[float], codes: list[int]) -> None:
    """Ties, empty bins and quantiles a rounding apart come out as in qcut with duplicates dropped."""
    assert quantile_strata(values).codes.tolist() == codes


@settings(deadline=None)
@given(NUMBERS, st.integers(1, 8))
def test_strata_keep_the_order_of_values(values: list[float], q: int) -> None:
    """Equal values share a stratum, a larger value is never in a lower one, and every code has a name."""
    strata = quantile_strata(values, q)
    order = np.argsort(values, kind="stable")
    assert (np.diff(strata.codes[order]) >= 0).all()
    assert len({(value, code) for value, code in zip(values, strata.codes.tolist(), strict=True)}) == len(set(values))
    assert strata.codes.min() == 0
    assert strata.codes.max() < len(strata.names) <= q


@settings(deadline=None)
@given(st.permutations(list(range(40))))
def test_distinct_values_are_spread_evenly(values: list[int]) -> None:
    """Forty distinct numbers give five strata of eight, in whatever order they come."""
    assert np.bincount(quantile_strata(values).codes).tolist() == [8] * 5


def test_equal_values_make_one_stratum() -> None:
    """Pandas leaves them without a bin; here they have one that names the value."""
    strata = quantile_strata([5.5] * 7)
    assert strata.codes.tolist() == [0] * 7
    assert strata.names == ("[5.5, 5.5]",)


@pytest.mark.parametrize("values", [[], [1.0, float("nan")], [float("inf")], [[1.0]]], ids=str)
def test_numbers_that_cannot_be_ranked_are_refused(values: list[float]) -> None:
    """Missing values are dropped by the caller, who can say so."""
    with pytest.raises(ValueError, match="finite numbers"):
        quantile_strata(values)


def test_no_quantiles_are_refused() -> None:
    """At least one bin is needed."""
    with pytest.raises(ValueError, match="q must be at least 1"):
        quantile_strata([1.0], 0)


@settings(deadline=None)
@given(st.lists(st.sampled_from(["V", "H", "D", "0"]), min_size=1))
def test_each_category_is_its_own_stratum(values: list[str]) -> None:
    """Names are the categories themselves, and codes point at them."""
    strata = category_strata(values)
    assert [strata.names[code] for code in strata.codes] == values
    assert list(strata.names) == sorted(set(values))


@given(values=st.lists(st.integers(0, 12), min_size=1, max_size=60), least=st.integers(1, 8))
def test_level_strata_have_units_enough_and_split_no_value(values: list[int], least: int) -> None:
    """Neighbours are joined only as far as needed: without its highest value, no stratum would have enough."""
    strata = level_strata(values, range(len(values)), least)
    held = [
        [value for value, code in zip(values, strata.codes, strict=True) if code == one] for one in set(strata.codes)
    ]
    assert sorted(map(min, held)) == sorted(set(map(min, held)))
    assert sum(len(set(one)) for one in held) == len(set(values))
    assert all(max(one) < min(other) for one, other in itertools.pairwise(sorted(held, key=min)))
    assert len(held) == 1 or all(len(one) >= least for one in held)
    for one in sorted(held, key=min)[:-1]:
        assert len([value for value in one if value < max(one)]) < least
    assert len(strata.names) == len(held)


def test_a_unit_counts_once_for_each_of_its_values() -> None:
    """A hundred patches of one image do not make its value frequent."""
    assert level_strata([1, 1, 1, 2, 3], [7, 7, 7, 8, 9], least=2).names == ("[1, 3]",)
    assert level_strata([1, 1, 1, 2, 3, 3], [7, 8, 8, 8, 9, 6], least=2).names == ("1", "[2, 3]")


@pytest.mark.parametrize(
    ("values", "units", "least"), [([], [], 1), ([np.nan], [0], 1), ([1.0], [0, 1], 1), ([1.0], [0], 0)]
)
def test_level_strata_refuse_what_is_no_label(values: list[float], units: list[int], least: int) -> None:
    """No values, no numbers, units that do not fit, nothing asked of a stratum."""
    with pytest.raises(ValueError, match="must be"):
        level_strata(values, units, least)
