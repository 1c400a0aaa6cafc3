"""Label sheets and names that a folder may hold: name of the case to a function that spoils a good folder.

A good folder has the images 1-1.png and 2-2.png, which differ, and `labels.csv` with a row for each.
"""

import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path

import xlsxwriter
from bad_images import encoded, grey

from deepdlt.sheets.sheet import load_spec

SPEC = load_spec()
HEADER = [SPEC.name_header, *(column.header for column in SPEC.columns)]
VALUES: dict[str, object] = {
    **dict.fromkeys(HEADER, None),
    "DimY [μm]": 8,
    "DimX [μm]": 10,
    "angle [deg]": 19,
    "PP1": "V",
    "NP": 10,
    "EP1 [μJ]": 46,
}
Cells = Sequence[object]
Book = Callable[[xlsxwriter.Workbook, xlsxwriter.worksheet.Worksheet], None]
Spoil = Callable[[Path], object]


def row(name: str = "1-1.bmp", **changes: object) -> list[object]:
    """Return a row; keys are the beginnings of headers."""
    changed = {header: value for key, value in changes.items() for header in HEADER if header.split(" ")[0] == key}
    return list((VALUES | {HEADER[0]: name} | changed).values())


BYSTANDER = row("2-2.bmp", NP=20)


def csv_text(rows: Sequence[Cells], separator: str = ",") -> str:
    """Return rows as CSV; cells with a separator, a quote or a line break are quoted."""

    def cell(value: object) -> str:
        text = "" if value is None else str(value)
        is_quoted = any(char in text for char in f'{separator}"\n\r')
        return '"' + text.replace('"', '""') + '"' if is_quoted else text

    return "".join(separator.join(cell(value) for value in one) + "\n" for one in rows)


def put_csv(folder: Path, rows: Sequence[Cells], *, separator: str = ",", encoding: str = "utf-8") -> None:
    """Write the label sheet."""
    (folder / "labels.csv").write_bytes(csv_text(rows, separator).encode(encoding))


def csv_sheet(*rows: Cells, header: Cells = HEADER, **options: str) -> Spoil:
    """Return what puts a sheet with these rows and the bystander's in the place of the good one."""
    return lambda folder: put_csv(folder, [header, *rows, BYSTANDER], **options)


def cells(**changes: object) -> Spoil:
    """Return what changes cells of row 1-1."""
    return csv_sheet(row(**changes))


def put_xlsx(folder: Path, more: Book | None = None, rows: Sequence[Cells] = ()) -> Path:
    """Write the label sheet as a workbook; `more` may add to it before it is closed."""
    (folder / "labels.csv").unlink()
    with xlsxwriter.Workbook(str(folder / "labels.xlsx")) as book:
        sheet = book.add_worksheet()
        for number, cells_of_row in enumerate([HEADER, *(rows or [row(), BYSTANDER])]):
            for place, cell in enumerate(cells_of_row):
                if cell is not None:
                    sheet.write(number, place, cell)
        if more is not None:
            more(book, sheet)
    return folder / "labels.xlsx"


def book(more: Book) -> Spoil:
    """Return what puts a workbook in the place of the sheet."""
    return lambda folder: put_xlsx(folder, more)


def place(header: str) -> int:
    """Return the column of a header, from 0."""
    return next(number for number, text in enumerate(HEADER) if text.split(" ")[0] == header)


def stray_cell(book: xlsxwriter.Workbook, sheet: xlsxwriter.worksheet.Worksheet) -> None:
    """Write a blank far below the last label, as a column with a format of its own has."""
    sheet.write(150_000, 0, " ")


def first_page_is_a_note(folder: Path) -> None:
    """Write a workbook whose first worksheet holds a note and whose second one the labels."""
    (folder / "labels.csv").unlink()
    with xlsxwriter.Workbook(str(folder / "labels.xlsx")) as made:
        made.add_worksheet("note").write(0, 0, "see the other page")
        labels = made.add_worksheet("labels")
        for number, one in enumerate([HEADER, row(), BYSTANDER]):
            labels.write_row(number, 0, ["" if cell is None else cell for cell in one])


def with_macro(folder: Path) -> None:
    """Put a macro project into the workbook, as a renamed .xlsm has one."""
    with zipfile.ZipFile(put_xlsx(folder), "a") as archive:
        archive.writestr("xl/vbaProject.bin", b"\xd0\xcf\x11\xe0 not run by anyone")


def renamed(suffix: str) -> Spoil:
    """Return what renames the workbook so that it has another suffix."""
    return lambda folder: put_xlsx(folder).rename(folder / f"labels{suffix}")


def zip_bomb(folder: Path) -> None:
    """Write a workbook that says of itself that it unpacks to a gigabyte."""
    with zipfile.ZipFile(put_xlsx(folder), "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet9.xml", bytes(2**20))
        archive.infolist()[-1].file_size = 2**30


def content(data: bytes, name: str = "labels.csv") -> Spoil:
    """Return what puts bytes in the place of the sheet."""

    def put(folder: Path) -> None:
        (folder / "labels.csv").unlink()
        (folder / name).write_bytes(data)

    return put


def raw_remark(cell: str) -> Spoil:
    """Return what puts a sheet with one column more, in which row 1-1 has this text, quotation marks as they are."""
    lines = (
        csv_text([one]).rstrip("\n") + f",{last}\n"
        for one, last in ((HEADER, "remark"), (row(), cell), (BYSTANDER, ""))
    )
    return content("".join(lines).encode())


def with_carriage_returns(folder: Path) -> None:
    """Write a workbook in which each line feed became two characters, as a transfer of text makes them."""
    path = put_xlsx(folder)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


def million_rows(folder: Path) -> None:
    """Write a sheet with a million rows."""
    line = csv_text([row("n.bmp")])
    (folder / "labels.csv").write_text(csv_text([HEADER]) + line * 1_000_000, encoding="utf-8")


def image_as(name: str, in_sheet: str | None = None) -> Spoil:
    """Return what gives image 1-1 another name, and the sheet that name or yet another."""

    def rename(folder: Path) -> None:
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        (folder / "1-1.png").rename(target)
        put_csv(folder, [HEADER, row(in_sheet or name), BYSTANDER])

    return rename


def case_twins(folder: Path) -> None:
    """Put two images whose names differ by their case, with a row for each."""
    (folder / "A.png").write_bytes((folder / "1-1.png").read_bytes())
    (folder / "1-1.png").unlink()
    (folder / "a.png").write_bytes(encoded(grey(81, 100)))
    put_csv(folder, [HEADER, row("A"), row("a", NP=30), BYSTANDER])


def link(name: str, target: str, *, is_named: bool = True) -> Spoil:
    """Return what puts a link beside the images, and a row for it."""

    def put(folder: Path) -> None:
        (folder.parent / "outside").mkdir(exist_ok=True)
        (folder.parent / "outside" / "3-3.png").write_bytes(encoded(grey(80, 104)))
        (folder / name).symlink_to(target)
        rows = [row(), row(name, NP=30)] if is_named else [row()]
        put_csv(folder, [HEADER, *rows, BYSTANDER])

    return put


SHEETS: dict[str, Spoil] = {
    "good sheet": lambda folder: folder,
    "decimal comma": cells(angle="5,5"),
    "thousands separator": cells(NP="1,000"),
    "number with its unit": cells(angle="19 deg"),
    "number with another unit": cells(EP1="0.046 mJ"),
    "number in words": cells(NP="ten"),
    "percentage": cells(NP="10%"),
    "not a number": cells(EP1="nan"),
    "infinite": cells(EP1="inf"),
    "too large for a float": cells(EP1="1e400"),
    "date for a number": cells(angle="05.May"),
    "true for a number": cells(NP="TRUE"),
    "full-width digits": cells(NP="\uff11\uff10"),
    "text that is a number": cells(NP=" 10 "),
    "angle of 0": cells(angle=0),
    "angle of 91": cells(angle=91),
    "half a pulse": cells(NP=9.5),
    "negative energy": cells(EP1=-1),
    "unknown pattern": cells(PP1="X"),
    "pattern in lower case": cells(PP1="v"),
    "no pattern at all": cells(PP1=0, PP2=0),
    "label missing": cells(NP=None),
    "command": cells(NP="=cmd|' /C calc'!A0"),
    "markup": cells(NP="<script>alert(1)</script>"),
    "equal rows": csv_sheet(row(), row()),
    "contradicting rows": csv_sheet(row(), row(NP=11)),
    "row too long": csv_sheet([*row(), "more"]),
    "extra column": csv_sheet([*row(), "x"], header=[*HEADER, "remark"]),
    "duplicate header": csv_sheet([*row(), 10], header=[*HEADER, "NP"]),
    "header missing": lambda folder: put_csv(folder, [row(), BYSTANDER]),
    "header in another unit": csv_sheet(row(), header=[text.replace("EP1 [μJ]", "EP1 [mJ]") for text in HEADER]),
    "one column missing": csv_sheet(row()[:-1], header=HEADER[:-1]),
    "semicolons": lambda folder: put_csv(folder, [HEADER, row(), BYSTANDER], separator=";"),
    "no rows": lambda folder: put_csv(folder, [HEADER]),
    "no content": content(b""),
    "utf-16": lambda folder: put_csv(folder, [HEADER, row(), BYSTANDER], encoding="utf-16"),
    "byte order mark": lambda folder: put_csv(folder, [HEADER, row(), BYSTANDER], encoding="utf-8-sig"),
    "binary": content(bytes(range(256)) * 16),
    "quotation mark inside a cell": raw_remark('3" wafer'),
    "quotation mark that is not closed": raw_remark('"wafer'),
    "a million rows": million_rows,
    "no sheet": lambda folder: (folder / "labels.csv").unlink(),
    "two sheets": lambda folder: (folder / "more.csv").write_text("a\n1\n", encoding="utf-8"),
    "formula with its value": book(lambda _, sheet: sheet.write_formula(1, place("NP"), "=5+5", None, 10)),
    "formula without a value": book(lambda _, sheet: sheet.write_formula(1, place("NP"), "=5+5", None, "")),
    "formula that fails": book(lambda _, sheet: sheet.write_formula(1, place("NP"), "=1/0", None, "#DIV/0!")),
    "date cell for a number": book(
        lambda book, sheet: sheet.write_datetime(
            1, place("angle"), date(2026, 5, 5), book.add_format({"num_format": "dd.mm"})
        )
    ),
    "merged cells": lambda folder: put_xlsx(
        folder,
        lambda book, sheet: sheet.merge_range(1, place("NP"), 2, place("NP"), 20, book.add_format()),
        rows=[BYSTANDER, row()],
    ),
    "boolean cell": book(lambda _, sheet: sheet.write_boolean(1, place("NP"), True)),
    "blank far below": book(stray_cell),
    "labels on the second page": first_page_is_a_note,
    "macros": with_macro,
    "zip bomb": zip_bomb,
    "xlsm": renamed(".xlsm"),
    "workbook sent as text": with_carriage_returns,
    "workbook named csv": renamed(".csv"),
    "web page named xlsx": content(b"<html><table><tr><td>NP</td></tr></table></html>", "labels.xlsx"),
    "encrypted workbook": content(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(4096), "labels.xlsx"),
}
"""The sheet as a whole, and cells of the row of image 1-1."""

NAMES: dict[str, Spoil] = {
    "name missing": csv_sheet(row("")),
    "name leaves the folder": csv_sheet(row("../1-1.png")),
    "name leaves it by a detour": csv_sheet(row("a/../../1-1.png")),
    "absolute name": csv_sheet(row("/etc/passwd")),
    "name with a drive": csv_sheet(row("C:\\images\\1-1.png")),
    "name on a server": csv_sheet(row("\\\\server\\images\\1-1.png")),
    "name with nul": csv_sheet(row("1-1\0.png")),
    "name of 300 characters": csv_sheet(row("n" * 300)),
    "name in another case": image_as("A.png", "a.png"),
    "names that differ by case": case_twins,
    "name with a newline": image_as("1\n1.png"),
    "name with an emoji": image_as("🔬.png"),
    "name as a command": image_as("=cmd|' C calc'!A0.png"),
    "name as markup": image_as("<img src=x onerror=alert(1)>.png"),
    "path of 300 characters": image_as("/".join(["n" * 99] * 3) + "/1-1.png"),
    "decomposed name": image_as("u\u0308.png", "\u00fc.png"),
    "backslashes in the sheet": image_as("a/1-1.png", "a\\1-1.bmp"),
    "name that is not unicode": lambda folder: (folder / "1-1.png").rename(folder / "1-1\udcff.png"),
    "link out of the folder": link("3-3.png", "../outside/3-3.png"),
    "link to a folder outside": link("far.png", "../outside"),
    "link to nothing": link("3-3.png", "gone.png"),
    "link to itself": link("3-3.png", "3-3.png"),
    "link to its own folder": link("loop", ".", is_named=False),
    "folder named as an image": lambda folder: (folder / "3-3.png").mkdir(),
    "hidden file": lambda folder: (folder / ".3-3.png").write_bytes(b"x"),
}
"""Names of files and in the sheet, and links."""
