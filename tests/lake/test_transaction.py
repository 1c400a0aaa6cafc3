"""Replacing rows, adding columns, all or nothing."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from lake import Lake, Transaction
from lake.errors import (
    ColumnConflict,
    ColumnsMissing,
    ColumnsUnknown,
    KeyEmpty,
    KeyRepeated,
    StatementFailed,
    TableUnknown,
)

KEY = ("night_id", "run_id")
COLUMNS = "SELECT night_id, run_id, is_reused FROM night_runs"
ALL = f"{COLUMNS} ORDER BY ALL"


class Undone(Exception):
    """Raised to leave a transaction."""


@contextmanager
def undone(lake: Lake) -> Iterator[Transaction]:
    """A transaction that leaves nothing: cheap, and what it reads is what it wrote."""
    try:
        with lake.write("try") as transaction:
            yield transaction
            raise Undone
    except Undone:
        pass


def rows(*triples: tuple[str, str, bool]) -> pl.DataFrame:
    return pl.DataFrame(triples, schema=["night_id", "run_id", "is_reused"], orient="row")


def test_replace_puts_rows_in_the_place_of_their_key(lake: Lake) -> None:
    """Equal keys are overwritten, others stay."""
    with lake.write("test") as transaction:
        assert transaction.replace("night_runs", rows(("a", "1", False), ("b", "1", False)), KEY) == 2
    with lake.write("test") as transaction:
        assert transaction.replace("night_runs", rows(("a", "1", True), ("a", "2", True)), KEY) == 2
    assert lake.query(ALL).rows() == [("a", "1", True), ("a", "2", True), ("b", "1", False)]


KEYS = st.tuples(st.sampled_from("ab"), st.sampled_from(["1", "2", "'; DROP TABLE runs", "\N{SNOWMAN}", ""]))
BATCHES = st.lists(st.dictionaries(KEYS, st.booleans(), max_size=6), max_size=5)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=BATCHES)
def test_replace_is_what_a_dictionary_does(lake: Lake, batches: list[dict[tuple[str, str], bool]]) -> None:
    """Whatever is written in whatever order, the table holds the last row of each key, once; again changes nothing."""
    expected: dict[tuple[str, str], bool] = {}
    with undone(lake) as transaction:
        for batch in batches:
            expected |= batch
            frame = pl.DataFrame(
                [(*key, value) for key, value in batch.items()],
                schema={"night_id": pl.String, "run_id": pl.String, "is_reused": pl.Boolean},
                orient="row",
            )
            for _ in range(2):
                transaction.replace("night_runs", frame, KEY)
        found = transaction.query(COLUMNS).rows()
    assert sorted(found) == sorted((*key, value) for key, value in expected.items())


def test_columns_may_come_in_any_order_and_optional_ones_not_at_all(lake: Lake) -> None:
    """Columns are matched by name; one left out is NULL where that is allowed."""
    fields = {"sheet_row": 2, "row_digest": "d", "name": "n", "source": "s", "image_id": "i", "sheet": "x.csv"}
    with undone(lake) as transaction:
        transaction.replace("labels", pl.DataFrame(fields), ("source", "image_id"))
        found = transaction.query("SELECT source, sheet_row, pixel_size_nm FROM labels").rows()
    assert found == [("s", 2, None)]


def test_an_unknown_column_is_named_with_those_that_there_are(lake: Lake, night_runs: pl.DataFrame) -> None:
    """A column that the table lacks is not dropped silently."""
    with (
        pytest.raises(ColumnsUnknown, match="no column flavour; it has night_id, run_id, is_reused"),
        undone(lake) as t,
    ):
        t.replace("night_runs", night_runs.with_columns(flavour=pl.lit(1)), KEY)


def test_a_missing_required_column_is_named(lake: Lake, night_runs: pl.DataFrame) -> None:
    """A column that may not be NULL cannot be left out, and nothing is deleted before that is seen."""
    with lake.write("test") as transaction:
        transaction.replace("night_runs", night_runs, KEY)
        with pytest.raises(ColumnsMissing, match="is_reused"):
            transaction.replace("night_runs", night_runs.drop("is_reused"), KEY)
    assert lake.query(ALL).height == 3


def test_an_empty_required_value_is_refused(lake: Lake, night_runs: pl.DataFrame) -> None:
    """NULL in a column that may not be NULL is an error of the statement."""
    with pytest.raises(StatementFailed, match=r"night_runs.*NOT NULL"), undone(lake) as transaction:
        transaction.replace("night_runs", night_runs.with_columns(is_reused=pl.lit(None, dtype=pl.Boolean)), KEY)


def test_fractions_do_not_become_whole_numbers(lake: Lake) -> None:
    """A float column given to an integer one is refused instead of rounded."""
    fields = {"source": "s", "image_id": "i", "name": "n", "sheet": "x", "sheet_row": 2.5, "row_digest": "d"}
    with pytest.raises(ColumnConflict, match="sheet_row is INTEGER"), undone(lake) as transaction:
        transaction.replace("labels", pl.DataFrame(fields), ("source", "image_id"))


def test_a_repeated_key_is_an_error_with_an_example(lake: Lake) -> None:
    """Two rows of one key in one frame would leave two rows: refused."""
    with pytest.raises(KeyRepeated, match=r"1 keys.*\('a', '1'\)"), undone(lake) as transaction:
        transaction.replace("night_runs", rows(("a", "1", False), ("a", "1", True), ("b", "1", True)), KEY)


def test_an_empty_key_value_is_an_error(lake: Lake, night_runs: pl.DataFrame) -> None:
    """NULL equals nothing, so such a row could never be replaced."""
    frame = night_runs.with_columns(run_id=pl.lit(None, dtype=pl.String))
    with pytest.raises(KeyEmpty, match=r"3 rows .* no run_id"), undone(lake) as transaction:
        transaction.replace("night_runs", frame, KEY)


@pytest.mark.parametrize("key", [(), ("nights",), "run_id"], ids=["none", "absent", "a text"])
def test_a_key_must_be_columns_of_the_rows(lake: Lake, night_runs: pl.DataFrame, key: tuple[str, ...]) -> None:
    """No key would replace nothing; a text is not a list of columns."""
    with pytest.raises(ValueError, match="key of rows"), undone(lake) as transaction:
        transaction.replace("night_runs", night_runs, key)


@pytest.mark.parametrize("table", ["nothing", "latest_night", 'night_runs"; DROP TABLE runs; --'])
def test_only_tables_of_the_lake_can_be_written(lake: Lake, night_runs: pl.DataFrame, table: str) -> None:
    """Another name, a view or SQL in a name is refused; the message lists the tables."""
    with pytest.raises(TableUnknown, match=r"it has .*night_runs"), undone(lake) as transaction:
        transaction.replace(table, night_runs, KEY)


def test_no_rows_change_nothing(lake: Lake, night_runs: pl.DataFrame) -> None:
    """An empty frame makes no snapshot."""
    before = lake.snapshot_id()
    with lake.write("test") as transaction:
        assert transaction.replace("night_runs", night_runs.clear(), KEY) == 0
    assert lake.snapshot_id() == before


def test_a_transaction_is_one_snapshot(lake: Lake, night_runs: pl.DataFrame) -> None:
    """However many tables it writes to."""
    before = lake.snapshot_id()
    with lake.write("test") as transaction:
        transaction.replace("night_runs", night_runs, KEY)
        transaction.execute("INSERT INTO meta VALUES ($key, $value)", {"key": "k", "value": "v"})
        transaction.execute("DELETE FROM meta WHERE key = ?", ["k"])
    assert lake.snapshot_id() == before + 1


def test_a_body_that_fails_leaves_nothing(lake: Lake, night_runs: pl.DataFrame) -> None:
    """Rows and columns written before an error are undone, and the next writer proceeds."""
    before = lake.snapshot_id()
    with undone(lake) as transaction:
        transaction.replace("night_runs", night_runs, KEY)
        transaction.ensure_columns("labels", {"angle_deg": "DOUBLE"})
    assert lake.snapshot_id() == before
    assert lake.query(ALL).is_empty()
    assert "angle_deg" not in lake.query("DESCRIBE labels")["column_name"]
    with lake.write("test") as transaction:
        transaction.replace("night_runs", night_runs, KEY)
    assert lake.query(ALL).height == 3


def test_a_failed_statement_undoes_those_before(lake: Lake, night_runs: pl.DataFrame) -> None:
    """An error that DuckDB raises takes the whole transaction with it."""

    def fail() -> None:
        with lake.write("test") as transaction:
            transaction.replace("night_runs", night_runs, KEY)
            transaction.execute("SELECT * FROM nowhere")

    with pytest.raises(StatementFailed, match="nowhere"):
        fail()
    assert lake.query(ALL).is_empty()


def test_a_transaction_that_is_over_writes_no_more(lake: Lake, night_runs: pl.DataFrame) -> None:
    """Kept beyond its block, it refuses."""
    with lake.write("test") as transaction:
        pass
    with pytest.raises(StatementFailed):
        transaction.replace("night_runs", night_runs, KEY)


def test_replace_where_takes_the_place_of_all_matching_rows(lake: Lake, night_runs: pl.DataFrame) -> None:
    """The old rows go, whatever their number; the column deleted by is filled in."""
    with undone(lake) as transaction:
        transaction.replace("night_runs", night_runs, KEY)
        new = pl.DataFrame({"run_id": ["9"], "is_reused": [True]})
        assert transaction.replace_where("night_runs", new, night_id="a") == 1
        assert transaction.query(ALL).rows() == [("a", "9", True), ("b", "1", True)]
        assert transaction.replace_where("night_runs", new.clear(), night_id="a") == 0
        assert transaction.query(ALL).rows() == [("b", "1", True)]


def test_replace_where_refuses_rows_it_would_not_replace(lake: Lake, night_runs: pl.DataFrame) -> None:
    """A row with another value would be doubled by the next write."""
    with pytest.raises(ValueError, match="another night_id"), undone(lake) as transaction:
        transaction.replace_where("night_runs", night_runs, night_id="a")


@pytest.mark.parametrize("equals", [{}, {"night_id": None}], ids=["nothing", "NULL"])
def test_replace_where_needs_values(lake: Lake, night_runs: pl.DataFrame, equals: dict[str, None]) -> None:
    """Without a condition it would empty the table; NULL would match nothing."""
    with pytest.raises(ValueError, match="columns with values"), undone(lake) as transaction:
        transaction.replace_where("night_runs", night_runs, **equals)


def test_columns_are_added_once_and_old_rows_have_none(lake: Lake) -> None:
    """A label column appears with the first sheet that has it, in the same transaction as its rows."""
    fields = {"source": "s", "image_id": "i", "name": "n", "sheet": "x", "sheet_row": 2, "row_digest": "d"}
    wanted = {"angle_deg": "DOUBLE", "n_pulses": "BIGINT", "pattern": "VARCHAR", "is_flat": "BOOLEAN"}
    with undone(lake) as transaction:
        transaction.replace("labels", pl.DataFrame(fields), ("source", "image_id"))
        assert transaction.ensure_columns("labels", wanted) == list(wanted)
        assert transaction.ensure_columns("labels", wanted) == []
        new = pl.DataFrame({**fields, "image_id": "j", "angle_deg": 5.5, "pattern": "H"})
        transaction.replace("labels", new, ("source", "image_id"))
        found = transaction.query("SELECT image_id, angle_deg, n_pulses, pattern FROM labels ORDER BY image_id").rows()
    assert found == [("i", None, None, None), ("j", 5.5, None, "H")]


def test_added_columns_are_seen_by_readers_that_are_open(own_lake: Lake) -> None:
    """A connection held from before sees the column after the commit."""
    assert own_lake.query("FROM labels").width == 7
    with own_lake.write("test") as transaction:
        transaction.ensure_columns("labels", {"angle_deg": "DOUBLE"})
    assert own_lake.query("FROM labels").width == 8


def test_a_column_keeps_its_type(lake: Lake) -> None:
    """The same name with another type is a conflict, said before anything is added."""
    with undone(lake) as transaction:
        transaction.ensure_columns("labels", {"angle_deg": "DOUBLE"})
        with pytest.raises(ColumnConflict, match="angle_deg is DOUBLE, and was to take VARCHAR"):
            transaction.ensure_columns("labels", {"new": "BIGINT", "angle_deg": "VARCHAR"})
        assert "new" not in transaction.query("DESCRIBE labels")["column_name"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("angle_deg", "BLOB"), ("angle_deg", "DOUBLE; DROP TABLE runs"), ("a b", "DOUBLE"), ('x" DOUBLE; --', "DOUBLE")],
)
def test_names_and_types_of_columns_are_checked(lake: Lake, name: str, kind: str) -> None:
    """What goes into SQL as text is from a list, or a plain name."""
    with pytest.raises(ValueError, match=r"cannot be|not a name"), undone(lake) as transaction:
        transaction.ensure_columns("labels", {name: kind})


def test_values_come_back_as_they_went_in(lake: Lake) -> None:
    """Quotes, newlines, emoji, NaN and large integers survive; JSON stays text."""
    fields = {"image_id": ["it's \n \N{SNOWMAN}"], "height_px": [2**31 - 1], "width_px": [1], "file_format": [""]}
    frame = pl.DataFrame(fields, schema_overrides={"height_px": pl.Int32, "width_px": pl.Int32})
    with undone(lake) as transaction:
        full = frame.with_columns(source_mode=pl.lit("L"), ingested_at=pl.lit(0).cast(pl.Datetime("us", "UTC")))
        transaction.replace("images", full, ("image_id",))
        assert_frame_equal(transaction.query("FROM images"), full)


def test_a_hundred_thousand_rows_are_replaced_in_two_seconds(lake: Lake) -> None:
    """All folds of a night are one short transaction, also the second time."""
    n = 134_000
    frame = pl.select(
        split_id=pl.lit("s"),
        fold=(pl.int_range(n) % 5 + 1).cast(pl.Int32),
        patch_id=pl.format("{}", pl.int_range(n)),
        image_id=pl.lit("i"),
        split=pl.lit("train"),
        stratum=pl.lit("0"),
    )
    with undone(lake) as transaction:
        transaction.replace("folds", frame, ("split_id", "fold", "patch_id"))
        began = time.process_time()
        transaction.replace("folds", frame, ("split_id", "fold", "patch_id"))
        assert time.process_time() - began < 4.0, "2 s on two threads"
        assert transaction.query("SELECT count(*) FROM folds").item() == n


def test_a_column_whose_name_is_there_in_other_letters_is_refused(lake: Lake) -> None:
    """To DuckDB a capital and a small letter are one; the message says how the column is spelt."""
    with undone(lake) as transaction:
        transaction.ensure_columns("labels", {"angle_deg": "DOUBLE"})
        for columns in ({"Angle_deg": "DOUBLE"}, {"new": "BIGINT", "New": "BIGINT"}):
            with pytest.raises(ColumnConflict, match=r"is there as (angle_deg|new).*another name"):
                transaction.ensure_columns("labels", columns)
