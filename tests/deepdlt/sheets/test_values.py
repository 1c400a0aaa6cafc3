"""Cells of a sheet: numbers come back as they were written, and no text breaks the reading."""

from hypothesis import given, settings
from hypothesis import strategies as st

from deepdlt.sheets.columns import ColumnSpec
from deepdlt.sheets.values import typed_value
from deepdlt.source.faults import Remark


@settings(deadline=None)
@given(st.floats(min_value=0, max_value=1e9, allow_nan=False), st.integers(min_value=1, max_value=2**53))
def test_a_number_survives_its_text(energy: float, count: int) -> None:
    """A float written in full and a count written as integer or decimal come back exactly."""
    number = ColumnSpec(header="E", name="energy", kind="number")
    whole = ColumnSpec(header="N", name="n", kind="integer")
    assert typed_value(repr(energy), column=number) == energy
    assert typed_value(str(count), column=whole) == count
    assert typed_value(f"{count}.0", column=whole) == count


@settings(deadline=None)
@given(st.text(max_size=30))
def test_no_text_in_a_number_raises(text: str) -> None:
    """Whatever stands in a cell, the answer is a finite number or a remark."""
    value = typed_value(text.strip() or None, column=ColumnSpec(header="E", name="energy", kind="number"))
    assert value is None or isinstance(value, Remark) or abs(float(value)) < float("inf")
