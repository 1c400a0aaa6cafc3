"""Label values in classes: each in one, told apart by colour and mark, named with its unit."""

from hypothesis import given
from hypothesis import strategies as st

from deepdlt.figures.classes import MOST_CLASSES, value_classes

DASH = "\N{EN DASH}"
COUNTS = st.dictionaries(st.integers(0, 999).map(str), st.integers(1, 500), min_size=1, max_size=40)


@given(COUNTS)
def test_every_number_is_in_exactly_one_class_and_in_order(counts: dict[str, int]) -> None:
    """At most seven classes, together all values, by size."""
    classes = value_classes(counts)
    assert [value for one in classes for value in one.values] == sorted(counts, key=float)
    assert len(classes) == min(len(counts), MOST_CLASSES)


@given(COUNTS)
def test_classes_differ_in_colour_and_in_mark(counts: dict[str, int]) -> None:
    """Neither says anything alone."""
    classes = value_classes(counts)
    assert len({one.colour for one in classes}) == len({one.mark for one in classes}) == len(classes)


def test_names_have_their_unit() -> None:
    """A degree sign follows at once, a word after a blank; a range has one unit."""
    assert [one.name for one in value_classes({"5.5": 1, "19": 1}, unit="deg")] == ["5.5°", "19°"]
    energies = value_classes({str(14 + step): 1 for step in range(14)}, unit="uj")
    assert [one.name for one in energies][:2] == [f"14{DASH}15 µJ", f"16{DASH}17 µJ"]


def test_classes_hold_about_as_many_rows() -> None:
    """A frequent value stands alone, rare ones go together."""
    counts = {"1": 100, **{str(number): 10 for number in range(2, 32)}}
    assert value_classes(counts)[0].values == ("1",)
    rest = [sum(counts[value] for value in one.values) for one in value_classes(counts)[1:]]
    assert max(rest) - min(rest) <= 10


def test_too_many_words_share_the_last_class() -> None:
    """Nothing is left out."""
    last = value_classes(dict.fromkeys("ABCDEFGHIJ", 1))[-1]
    assert (last.name, last.values) == ("other", ("G", "H", "I", "J"))
