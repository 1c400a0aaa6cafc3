"""Label sheets: typed rows out of spreadsheets, and a fault for each bad row."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter

from deepdlt.errors import DeepdltError
from deepdlt.sheets.cells import read_cells
from deepdlt.sheets.sheet import (
    SheetColumnsMissing,
    SheetUnreadable,
    load_spec,
    read_sheet,
)
from deepdlt.source.faults import Fault

SPEC = load_spec()
HEADER = [SPEC.name_header, *(column.header for column in SPEC.columns)]
GOOD: Mapping[str, object] = {
    "Names": "a/1-1.bmp",
    "DimY [μm]": 32,
    "DimX [μm]": 40,
    "wavelength [nm]": 1026,
    "Spot size [μm]": 150,
    "angle [deg]": 19,
    "PP1": "V",
    "PP2": 0,
    "Δτ [ps]": 500,
    "NP": 10,
    "EP1 [μJ]": 46,
    "EP2 [μJ]": 0,
    "Pol 1": "H",
    "Pol 2": "0",
}
Cell = object


def write_xlsx(path: Path, rows: Sequence[Sequence[Cell]]) -> Path:
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                if cell is not None:
                    sheet.write(number, place, cell)
    return path


def write_csv(path: Path, rows: Sequence[Sequence[Cell]]) -> Path:
    lines = (",".join("" if cell is None else str(cell) for cell in row) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def dlip_row(**changes: Cell) -> list[Cell]:
    """A good row with some cells changed; keys are headers, `_` for blanks and brackets left out."""
    short = {header.split(" [")[0].replace(" ", "_"): header for header in HEADER}
    values = dict(GOOD) | {short[name]: value for name, value in changes.items()}
    return [values[header] for header in HEADER]


def read_rows(folder: Path, *rows: Sequence[Cell]) -> tuple[pl.DataFrame, list[Fault], list[Fault]]:
    table = read_sheet(write_xlsx(folder / "sheet.xlsx", [HEADER, *rows]), spec=SPEC)
    return table.rows, table.faults, table.warnings


def test_all_columns_are_typed_and_named_with_their_units(tmp_path: Path) -> None:
    """Thirteen columns and the pattern come out with the types and names that the declaration gives."""
    rows, faults, warnings = read_rows(tmp_path, dlip_row())
    assert (faults, warnings) == ([], [])
    assert rows.schema == {
        "name": pl.String,
        "sheet_row": pl.Int32,
        "row_digest": pl.String,
        "field_of_view_y_um": pl.Float64,
        "field_of_view_x_um": pl.Float64,
        "wavelength_nm": pl.Float64,
        "spot_size_um": pl.Float64,
        "angle_deg": pl.Float64,
        "pattern_1": pl.String,
        "pattern_2": pl.String,
        "delay_ps": pl.Float64,
        "n_pulses": pl.Int64,
        "pulse_energy_1_uj": pl.Float64,
        "pulse_energy_2_uj": pl.Float64,
        "polarisation_1": pl.String,
        "polarisation_2": pl.String,
        "pattern": pl.String,
    }
    assert rows.drop("row_digest").row(0) == (
        "a/1-1.bmp", 2, 32.0, 40.0, 1026.0, 150.0, 19.0, "V", None, 500.0, 10, 46.0, 0.0, "H", None, "V",
    )  # fmt: skip


@pytest.mark.parametrize("none", [0, "0", "0.0", 0.0], ids=["number", "text", "decimal text", "float"])
def test_the_pattern_falls_back_to_the_second_pulse(tmp_path: Path, none: Cell) -> None:
    """A first pulse without a pattern, however its 0 is written, leaves the pattern to the second."""
    rows, faults, _ = read_rows(tmp_path, dlip_row(PP1=none, PP2="D"))
    assert faults == []
    assert rows.select("pattern_1", "pattern_2", "pattern").row(0) == (None, "D", "D")


def test_the_pattern_is_that_of_the_first_pulse(tmp_path: Path) -> None:
    """Where both pulses write a pattern, the first gives the label."""
    rows, _, _ = read_rows(tmp_path, dlip_row(PP1="H", PP2="D"))
    assert rows["pattern"].to_list() == ["H"]


@pytest.mark.parametrize(
    ("changes", "rule", "value"),
    [
        ({"NP": -10}, "label-out-of-bounds", "NP = -10"),
        ({"NP": 0}, "label-out-of-bounds", "NP = 0"),
        ({"NP": 10.5}, "label-not-whole", "NP = 10.5"),
        ({"NP": "ten"}, "label-not-a-number", "NP = ten"),
        ({"NP": None}, "label-missing", "NP"),
        ({"angle": 0}, "label-out-of-bounds", "angle [deg] = 0"),
        ({"angle": 90.1}, "label-out-of-bounds", "angle [deg] = 90.1"),
        ({"angle": "19°"}, "label-not-a-number", "angle [deg] = 19°"),
        ({"EP1": "inf"}, "label-not-a-number", "EP1 [μJ] = inf"),
        ({"EP1": "nan"}, "label-not-a-number", "EP1 [μJ] = nan"),
        ({"EP1": "1_0"}, "label-not-a-number", "EP1 [μJ] = 1_0"),
        ({"EP1": "4,6"}, "label-not-a-number", "EP1 [μJ] = 4,6"),
        ({"EP2": -1}, "label-out-of-bounds", "EP2 [μJ] = -1"),
        ({"Δτ": -1}, "label-out-of-bounds", "Δτ [ps] = -1"),
        ({"wavelength": 0}, "label-out-of-bounds", "wavelength [nm] = 0"),
        ({"PP1": "X"}, "label-unknown", "PP1 = X"),
        ({"PP1": None, "PP2": "V"}, "label-missing", "PP1"),
        ({"PP1": 0, "PP2": 0}, "label-missing", "PP1 and PP2"),
        ({"Pol_1": "circular"}, "label-unknown", "Pol 1 = circular"),
        ({"Names": None}, "name-missing", ""),
        ({"Names": "../1-1.bmp"}, "name-unusable", "../1-1.bmp"),
        ({"Names": "a\\..\\..\\1-1.bmp"}, "name-unusable", "a\\..\\..\\1-1.bmp"),
        ({"Names": "/etc/1-1.bmp"}, "name-unusable", "/etc/1-1.bmp"),
        ({"Names": "C:\\1-1.bmp"}, "name-unusable", "C:\\1-1.bmp"),
    ],
)
def test_a_bad_row_is_rejected_alone(tmp_path: Path, changes: dict[str, Cell], rule: str, value: str) -> None:
    """A missing or impossible label rejects its row, says which rule and value, and leaves the next row be."""
    rows, faults, _ = read_rows(tmp_path, dlip_row(**changes), dlip_row(Names="b.bmp"))
    assert rows["name"].to_list() == ["b.bmp"]
    assert [(fault.path, fault.rule, fault.value) for fault in faults] == [("sheet.xlsx#row 2", rule, value)]
    assert faults[0].digest
    assert faults[0].message
    assert faults[0].remedy


def test_every_fault_of_a_row_is_reported(tmp_path: Path) -> None:
    """A row with three bad cells is mended in one go, not in three nights."""
    _, faults, _ = read_rows(tmp_path, dlip_row(NP="x", angle=120, PP1="X"))
    assert sorted(fault.rule for fault in faults) == ["label-not-a-number", "label-out-of-bounds", "label-unknown"]


def test_blanks_outside_the_labels_are_kept_as_unknown(tmp_path: Path) -> None:
    """Only labels must be there: a row without a delay or a field of view is usable."""
    rows, faults, _ = read_rows(tmp_path, dlip_row(Δτ=None, DimX=None, DimY=None, PP2=None))
    assert faults == []
    assert rows.select("delay_ps", "field_of_view_x_um", "pattern_2").row(0) == (None, None, None)


def test_one_bad_cell_leaves_the_numbers_of_its_column_readable(tmp_path: Path) -> None:
    """Text in a column of numbers, and numbers that are text, change nothing for the other rows."""
    rows, faults, _ = read_rows(
        tmp_path,
        dlip_row(Names="a", NP="many"),
        dlip_row(Names="b", NP="20"),
        dlip_row(Names="c", NP="20.0", angle=" 8.5 "),
        dlip_row(Names="d", NP=20, angle=5.5),
    )
    assert len(faults) == 1
    assert rows["n_pulses"].to_list() == [20, 20, 20]
    assert rows["angle_deg"].to_list() == [19.0, 8.5, 5.5]


def test_rows_are_numbered_as_the_spreadsheet_numbers_them(tmp_path: Path) -> None:
    """Blank rows above the header, between rows and below them are ignored and counted."""
    blank: list[Cell] = [None]
    grid = [blank, blank, HEADER, dlip_row(), blank, dlip_row(Names="b"), [" "], blank]
    for path in (write_xlsx(tmp_path / "a.xlsx", grid), write_csv(tmp_path / "a.csv", grid)):
        table = read_sheet(path, spec=SPEC)
        assert table.rows["sheet_row"].to_list() == [4, 6]
        assert table.faults == []


def test_empty_columns_and_the_order_of_columns_do_not_count(tmp_path: Path) -> None:
    """Columns without header are ignored, and declared ones may stand anywhere."""
    plain, _, _ = read_rows(tmp_path, dlip_row())
    turned = [[None, *reversed(row), None, None] for row in (HEADER, dlip_row())]
    table = read_sheet(write_xlsx(tmp_path / "turned.xlsx", turned), spec=SPEC)
    assert table.rows.equals(plain)
    assert table.warnings == []


def test_headers_are_compared_by_what_they_look_like(tmp_path: Path) -> None:
    """The micro sign is the Greek letter, and blanks around or inside a header do not count."""
    micro, mu = "\u00b5", "\u03bc"
    header = [" " + text.replace(mu, micro).replace(" ", "  ") + " " for text in HEADER]
    assert any(micro in text for text in header)
    assert read_sheet(write_xlsx(tmp_path / "a.xlsx", [header, dlip_row()]), spec=SPEC).rows.height == 1


def test_a_column_that_is_not_declared_is_warned_of(tmp_path: Path) -> None:
    """What the declaration does not name is left out, and said so."""
    path = write_xlsx(tmp_path / "a.xlsx", [[*HEADER, "operator"], [*dlip_row(), "GV"]])
    warnings = read_sheet(path, spec=SPEC).warnings
    assert [(fault.path, fault.rule, fault.value) for fault in warnings] == [("a.xlsx", "columns-left-out", "operator")]


def test_all_missing_columns_are_named_at_once(tmp_path: Path) -> None:
    """A sheet of another kind is refused with every column it lacks and those it has."""
    path = write_xlsx(tmp_path / "a.xlsx", [["Names", "NP", "power"], ["a", 1, 2]])
    with pytest.raises(SheetColumnsMissing, match=r"angle \[deg\].*power") as caught:
        read_sheet(path, spec=SPEC)
    assert set(caught.value.missing) == set(HEADER) - {"Names", "NP"}
    assert caught.value.found == ("Names", "NP", "power")


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
@pytest.mark.parametrize("content", [b"", b"\xff\xfe junk \x00"], ids=["empty", "junk"])
def test_a_sheet_that_is_no_table_is_refused(tmp_path: Path, suffix: str, content: bytes) -> None:
    """A broken or empty sheet ends in an error of ours that names the file."""
    path = tmp_path / f"broken{suffix}"
    path.write_bytes(content)
    with pytest.raises(DeepdltError, match="broken"):
        read_sheet(path, spec=SPEC)


def test_a_header_that_stands_twice_is_refused(tmp_path: Path) -> None:
    """Which of two NP columns is meant cannot be known."""
    path = write_xlsx(tmp_path / "a.xlsx", [[*HEADER, "NP"], [*dlip_row(), 20]])
    with pytest.raises(SheetUnreadable, match="NP stands twice"):
        read_sheet(path, spec=SPEC)


def test_a_duplicate_row_that_agrees_counts_once(tmp_path: Path) -> None:
    """Rows that name the same image in other spellings and say the same are one row and a warning."""
    rows, faults, warnings = read_rows(tmp_path, dlip_row(), dlip_row(Names=" a\\1-1.PNG ", NP="10.0"))
    assert rows["sheet_row"].to_list() == [2]
    assert faults == []
    assert [(fault.path, fault.rule) for fault in warnings] == [("sheet.xlsx#row 3", "duplicate-row")]


def test_duplicate_rows_that_contradict_are_all_rejected(tmp_path: Path) -> None:
    """Of rows that say different things of one image none is believed."""
    rows, faults, _ = read_rows(tmp_path, dlip_row(), dlip_row(NP=20), dlip_row())
    assert rows.height == 0
    assert {fault.path for fault in faults} == {f"sheet.xlsx#row {number}" for number in (2, 3, 4)}
    assert {fault.rule for fault in faults} == {"duplicate-row-contradicts"}


def test_a_row_beside_a_bad_row_for_the_same_image_is_not_believed(tmp_path: Path) -> None:
    """A bad row contradicts a good one: it could have been the true one."""
    rows, faults, _ = read_rows(tmp_path, dlip_row(), dlip_row(NP="?"))
    assert rows.height == 0
    assert [fault.rule for fault in faults] == ["label-not-a-number", "duplicate-row-contradicts"]


def test_a_csv_row_that_is_too_long_is_rejected(tmp_path: Path) -> None:
    """An unquoted decimal comma shifts cells: the row is rejected, the sheet goes on."""
    path = write_csv(tmp_path / "a.csv", [HEADER, dlip_row(EP1="46,5"), dlip_row(Names="b")])
    table = read_sheet(path, spec=SPEC)
    assert table.rows["name"].to_list() == ["b"]
    assert "row-too-long" in {fault.rule for fault in table.faults}


def test_a_csv_with_byte_order_mark_quotes_and_nul_is_read(tmp_path: Path) -> None:
    """What spreadsheet programs put in CSV files is understood; a NUL in a name rejects its row."""
    lines = [",".join(HEADER), *(",".join(map(str, dlip_row(Names=name))) for name in ('"a, b/1-1.bmp"', "c\0d"))]
    path = tmp_path / "a.CSV"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    table = read_sheet(path, spec=SPEC)
    assert table.rows["name"].to_list() == ["a, b/1-1.bmp"]
    assert [fault.rule for fault in table.faults] == ["name-unusable"]


def test_a_quotation_mark_inside_a_csv_cell_is_one_like_any_other(tmp_path: Path) -> None:
    """A wafer of 3 inches in a remark costs no row; quoted cells keep separators, line breaks and doubled marks."""
    remarks = ['3" wafer', '"two, of ""3"" inches\nand a break"', ""]
    lines = [",".join([*HEADER, "remark"])]
    lines += [",".join([*map(str, dlip_row(Names=str(number))), one]) for number, one in enumerate(remarks)]
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    table = read_sheet(path, spec=SPEC)
    assert table.rows.select("name", "sheet_row").rows() == [("0", 2), ("1", 3), ("2", 4)]
    assert table.faults == []
    assert [row[-1] for row in read_cells(path)] == ["remark", '3" wafer', 'two, of "3" inches\nand a break', None]


def test_a_csv_cell_whose_quotation_mark_is_not_closed_refuses_the_sheet(tmp_path: Path) -> None:
    """It would swallow the rows below; the line is named."""
    path = write_csv(tmp_path / "a.csv", [HEADER, dlip_row(Names='"a'), dlip_row(Names="b")])
    with pytest.raises(SheetUnreadable, match=r"a\.csv .*line 3: .*double"):
        read_sheet(path, spec=SPEC)


def test_a_workbook_that_a_transfer_as_text_damaged_is_refused_by_name(tmp_path: Path) -> None:
    """Each line feed in it became two characters."""
    path = write_xlsx(tmp_path / "a.xlsx", [HEADER, dlip_row()])
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    with pytest.raises(SheetUnreadable, match=r"a\.xlsx"):
        read_sheet(path, spec=SPEC)


def test_xlsx_and_csv_say_the_same(tmp_path: Path) -> None:
    """The same rows give the same frame and the same digests from either format."""
    grid = [HEADER, dlip_row(), dlip_row(Names="b", angle=8.5, DimY=9.6)]
    xlsx = read_sheet(write_xlsx(tmp_path / "a.xlsx", grid), spec=SPEC)
    csv = read_sheet(write_csv(tmp_path / "a.csv", grid), spec=SPEC)
    assert xlsx.rows.equals(csv.rows)


def test_row_digests_follow_the_values_and_nothing_else(tmp_path: Path) -> None:
    """Another spelling of a value keeps the digest, another value changes it."""
    rows, _, _ = read_rows(tmp_path, dlip_row(Names="a"), dlip_row(Names="b", NP="10.0"), dlip_row(Names="c", NP=20))
    first, same, other = rows["row_digest"]
    assert first == same
    assert first != other
