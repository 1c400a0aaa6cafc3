"""The page of a night: written from the lake, whole, and the same again."""

import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from lake_rows import fill
from typer.testing import CliRunner

from deepdlt.page import champions, context, results
from deepdlt.page.sections import sections_of
from deepdlt.page.tables import Shown, Table, make_table
from deployments.cli import app
from lake import Lake
from lake.files import TEMPORARY_PREFIX
from tasks.page import FRAMES, NightUnknown, embedded, gather, is_synthetic, write_page
from tasks.pictures import NightPicture


class Outline(HTMLParser):
    """The elements of a page, its texts, and the values of attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def values(self, name: str) -> list[str]:
        return [value for found, value in self.attributes if found == name]


@pytest.fixture
def here(paged: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The nights, with their lake as this process's."""
    monkeypatch.setenv("DEEPDLT_LAKE", str(paged.lake.root))
    return paged


def outline(page: Path) -> Outline:
    """Return the outline of a page."""
    return Outline(page.read_text(encoding="utf-8"))


def test_a_page_lies_by_its_number_with_an_index_beside_it(here: Any) -> None:
    """Both nights are listed, the newest first, and every link of the index leads to a page."""
    index = here.lake.root / "reports" / "index.html"
    assert here.pages == [here.lake.root / "reports" / number / "index.html" for number in ("1", "2")]
    links = [link for link in outline(index).values("href") if link.endswith("index.html")]
    assert links == ["2/index.html", "1/index.html"]
    assert all((index.parent / link).is_file() for link in links)


def test_a_name_that_would_be_markup_stays_text(here: Any) -> None:
    """In cells and attributes, of an image that was taken and of a row that was not."""
    found = outline(here.pages[0])
    hostile = "<script>alert(1)</script>"
    assert sum(hostile in text for text in found.texts) >= 2
    assert found.tags.count("script") == 1
    assert not any(name.startswith("on") for name, _ in found.attributes)
    assert "img" in found.tags
    assert all(value.startswith("data:image/png;base64,") for value in found.values("src"))


def test_a_page_needs_nothing_from_elsewhere(here: Any) -> None:
    """Every link is an anchor that is there, the index, or the empty icon."""
    found = outline(here.pages[0])
    anchors = {f"#{value}" for value in found.values("id")}
    assert set(found.values("href")) <= anchors | {"../index.html", "data:,"}
    assert len(found.values("id")) == len(set(found.values("id")))


def test_every_section_of_a_night_that_trained_has_its_numbers(here: Any) -> None:
    """Nothing is said to be missing."""
    text = " ".join(outline(here.pages[0]).texts)
    for caption in (
        "Trainings of the night",
        "Steps before and after the trainings",
        "Test patches, means over folds",
        "What can be had without a model",
        "Does the loss depend on the label?",
        "Loss by label value",
        "Every sentence that the numbers support",
        "Linear probes, per image",
        "What is held out, and trained on, too",
        "Loss on safer folds against the report’s",
        "Rejected, and what to do about it",
        "New images",
        "Hardware, libraries and code behind the trainings",
    ):
        assert caption in text, caption
    assert "first time: no earlier night has it" in text
    assert "No answer" not in text


def test_labels_are_said_to_be_what_they_are(here: Any) -> None:
    """In the words of the sheet's declaration, and so is the report; without unfolding anything."""
    said = "half of the angle between the two beams, in degrees; column angle [deg] of the sheet"
    texts = outline(here.pages[0]).texts
    assert said in texts
    assert any("DeepDLT: Autoencoder analysis on DLIP data" in text for text in texts)


def test_synthetic_images_are_called_so(here: Any) -> None:
    """On top of the page, in the index, and in place of numbers beside the report's."""
    assert "Synthetic images:" in outline(here.pages[1]).texts
    assert outline(here.pages[0].parents[1] / "index.html").texts.count("synthetic images") == 2
    assert outline(here.pages[0]).texts.count("Not asked: these images are synthetic, and the report’s are not.") == 2


def test_images_of_others_are_not(lake: Lake) -> None:
    """Those of a night without a source lie in the lake."""
    assert is_synthetic(lake, str(lake.root / "synthetic"))
    assert not is_synthetic(lake, str(lake.root.parent / "synthetic"))


def test_no_column_is_called_as_in_the_lake(here: Any) -> None:
    """Every head of a table has a name for people."""
    heads = re.findall(r'<button type="button" class="sort"[^>]*>([^<]*)<', here.pages[0].read_text(encoding="utf-8"))
    assert len(heads) > 50
    assert [head for head in heads if "_" in head] == []


def test_a_night_with_nothing_to_do_says_so(here: Any) -> None:
    """And has the numbers of what it reused."""
    text = " ".join(outline(here.pages[1]).texts)
    assert "Nothing was trained: 5 trainings stood complete" in text
    assert "reused, as in night 1" in text
    assert "cut patches reused, made in night 1" in text
    assert "Test patches, means over folds" in text


def test_a_page_written_again_has_the_same_bytes(here: Any) -> None:
    """Of an older night, too: its numbers are its own, not those of the newest."""
    before = [page.read_bytes() for page in here.pages]
    assert [write_page(number).read_bytes() for number in (1, 2)] == before
    assert before[0] != before[1]
    assert list(here.lake.root.rglob(f"{TEMPORARY_PREFIX}*")) == []


def test_a_night_that_is_not_there_is_named_with_those_that_are(here: Any) -> None:
    """Nothing is written for it."""
    with pytest.raises(NightUnknown, match="no night 9; it has nights 1 to 2"):
        write_page(9)
    assert not (here.lake.root / "reports" / "9").exists()


def test_all_that_a_page_asks_for_is_answered(here: Any) -> None:
    """Each statement, by its name; those about this night have rows."""
    frames = gather(here.lake, here.nights[0]["night_id"])
    assert tuple(frames) == FRAMES
    empty = {name for name, frame in frames.items() if frame.is_empty()}
    assert empty <= {
        "failed",
        "remarks",
        "seed_spread",
        "fold_average_differences",
        "unanswered",
        "drift",
        "champion_decisions",
        "champions",
    }  # one label, one seed; nothing was judged


def test_every_column_that_a_table_shows_is_in_its_statement(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is not would be left out without a word."""
    missing: list[tuple[str, str]] = []

    def noted(frame: pl.DataFrame, shown: Sequence[Shown], caption: str, **more: Any) -> Table | None:
        parts = [part for one in shown for part in ([one] if isinstance(one, str) else asdict(one).values())]
        missing.extend((caption, part) for part in parts if frame.columns and part not in frame.columns)
        return make_table(frame, shown, caption, **more)

    for module in (champions, context, results):
        monkeypatch.setattr(module, "make_table", noted)
    frames = gather(here.lake, here.nights[0]["night_id"])
    frames["paper"] = frames["paper"].with_columns(here=pl.lit(0.2))
    sections_of(here.nights[0], frames, [], n_left_out=0)
    assert missing == []


def test_a_failure_of_other_images_or_of_another_time_is_not_the_nights(lake: Lake) -> None:
    """Two nights may go on at once, each on a source of its own."""
    moment = datetime(2026, 1, 2, 3, tzinfo=UTC)
    night = {"night_id": "n", "dataset_id": "d", "started_at": moment, "finished_at": moment + timedelta(hours=1)}
    during = moment + timedelta(minutes=1)
    failed = {"status": "failed", "dataset_id": "d", "started_at": during, "asked_again_at": None}
    runs = [
        {"run_id": "here", "error": "here"},
        {"run_id": "elsewhere", "dataset_id": "e", "error": "elsewhere"},
        {"run_id": "later", "started_at": moment + timedelta(hours=2), "error": "later"},
    ]
    fill(lake, nights=[night], runs=[failed | run for run in runs])
    assert gather(lake, "n")["failed"]["error"].to_list() == ["here"]


def test_pictures_beyond_the_pages_room_are_counted(tmp_path: Path, here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small one still finds its place after a large one that does not; sizes come from the files."""
    monkeypatch.setattr("tasks.page.MOST_BYTES", 1000)
    files = []
    for number, n_bytes in enumerate((900, 200, 60)):
        file = tmp_path / f"{number}.png"
        header = b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + (640).to_bytes(4, "big") + (480).to_bytes(4, "big")
        file.write_bytes(header.ljust(n_bytes, b"\0"))
        files.append(NightPicture(str(number), "title", "alt", "group", file))
    shown, n_left_out = embedded(files)
    assert ([(one.width_px, one.height_px) for one in shown], n_left_out) == ([(640, 480)] * 2, 1)


def test_the_command_writes_a_page_and_prints_where(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest unless told; with --open a browser gets its address; a lake that is not there is not made."""
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    env = {"DEEPDLT_LAKE": str(here.lake.root)}
    done = CliRunner().invoke(app, ["report", "--open"], env=env)
    assert (done.exit_code, done.stdout.strip()) == (0, str(here.pages[1]))
    assert opened == [here.pages[1].as_uri()]
    assert CliRunner().invoke(app, ["report", "--night", "1"], env=env).stdout.strip() == str(here.pages[0])
    assert CliRunner().invoke(app, ["report", "--night", "7"], env=env).exit_code == 1
    nowhere = here.lake.root.parent / "nowhere"
    assert CliRunner().invoke(app, ["report"], env={"DEEPDLT_LAKE": str(nowhere)}).exit_code == 1
    assert not nowhere.exists()


def test_a_page_needs_neither_torch_nor_pictures_drawn() -> None:
    """A night with nothing to train writes its page without them."""
    code = "import sys, tasks.page, deepdlt.page.render; print(*{'torch', 'matplotlib', 'scipy'} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == []
