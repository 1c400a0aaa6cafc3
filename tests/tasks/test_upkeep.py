"""Pages, exports, what killed exports left, and results go when they are old; what is needed, or not ours, stays."""

import os
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from lake_rows import fill
from typer.testing import CliRunner

from deepdlt.replacing import replaced_folder
from deployments.cli import app
from lake import Lake
from tasks.upkeep import RESULTS, tidy

AGES = {"keep_days": 30.0, "grace_hours": 24.0, "page_days": 30.0}


def put(path: Path, age_days: float) -> Path:
    """Write a file of some age, and give its folder the same."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"0123456789")
    stamp = time.time() - age_days * 86_400
    for each in (path, path.parent):
        os.utime(each, (stamp, stamp))
    return path


def export(target: Path) -> Path:
    """Write an export of two files, one in a folder."""
    with replaced_folder(target) as folder:
        (folder / "folds").mkdir()
        (folder / "folds" / "fold.csv").write_text("fold\n", encoding="utf-8")
        (folder / "patches.csv").write_text("patch\n", encoding="utf-8")
    return target


@pytest.fixture
def grown(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lake:
    """A lake with old and new pages, exports, leftovers and results."""
    monkeypatch.setenv(RESULTS, str(tmp_path / "results"))
    fill(lake, nights=[{"night_id": f"n{number}", "sequence": number} for number in (1, 2, 3)])
    for number, age_days in ((1, 90), (2, 1), (3, 90)):
        put(lake.location.page(number), age_days)
    for name, age_days in (("old", 40), ("new", 3)):
        put(tmp_path / "results" / name, age_days)
    exports = tmp_path / "exports"
    for name in ("whole", "changed", "changed below", "edited", "thinned"):
        export(exports / name)
    done = datetime.now(UTC)
    (exports / "changed" / "mine.txt").write_text("notes", encoding="utf-8")
    shutil.copy2(exports / "whole" / "patches.csv", exports / "changed below" / "folds" / "mine.csv")
    put(exports / "edited" / "folds" / "fold.csv", -1)
    (exports / "thinned" / "folds" / "fold.csv").unlink()
    for name, age_days in ((".whole.partial-1", 2), (".whole.partial-2", 0.5), (".whole.old-3", 2), (".gone.old-4", 2)):
        put(exports / name / "patches.csv", age_days)
    names = ("whole", "changed", "changed below", "edited", "thinned", "gone")
    fill(lake, exports=[{"target": str(exports / name), "finished_at": done} for name in names])
    return lake


def there(root: Path) -> set[str]:
    """Every folder of exports, page and result that there is."""
    exports = {path.name for path in (root / "exports").iterdir()}
    results = {path.name for path in (root / "results").iterdir()}
    return exports | results | {f"page {path.parent.name}" for path in root.glob("lake/reports/*/index.html")}


def test_what_is_old_goes_and_the_rest_stays(grown: Lake, tmp_path: Path) -> None:
    """The newest night's page stays; young hidden folders may be at work, an old copy the only one."""
    before = there(tmp_path)
    tidy(grown, **AGES, export_days=None, dry_run=False)
    assert before - there(tmp_path) == {"page 1", "old", ".whole.partial-1", ".whole.old-3"}


def test_exports_go_only_where_an_age_is_given_and_nobody_added_to_them(grown: Lake, tmp_path: Path) -> None:
    """To one notes were added, to one a file in a folder; of one a file was edited, of one removed: they stay."""
    before = there(tmp_path)
    tidy(grown, **AGES, export_days=0, dry_run=False)
    assert before - there(tmp_path) == {"page 1", "old", ".whole.partial-1", ".whole.old-3", "whole"}


def test_a_dry_run_says_the_same_bytes_and_changes_nothing(grown: Lake, tmp_path: Path) -> None:
    """The same steps as the run that follows, with the same sizes."""
    before, snapshot = there(tmp_path), grown.snapshot_id()
    dry = tidy(grown, **AGES, export_days=0, dry_run=True)
    assert (there(tmp_path), grown.snapshot_id()) == (before, snapshot)
    sizes = {action.step: action.n_bytes for action in dry}
    assert (sizes["remove page"], sizes["remove result"], sizes["remove left export"]) == (10, 10, 10)
    real = tidy(grown, **AGES, export_days=0, dry_run=False)
    assert [action for action in real if not action.step.startswith("merge")] == dry


def test_the_index_names_no_page_that_is_gone(grown: Lake) -> None:
    """It is written anew."""
    tidy(grown, **AGES, export_days=None, dry_run=False)
    index = grown.location.pages.read_text(encoding="utf-8")
    assert ["1/index.html" in index, "2/index.html" in index, "3/index.html" in index] == [False, True, True]


def test_without_a_folder_of_ours_no_result_is_removed(
    grown: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever Prefect's own settings say."""
    monkeypatch.delenv(RESULTS)
    monkeypatch.setenv("PREFECT_RESULTS_LOCAL_STORAGE_PATH", str(tmp_path / "results"))
    tidy(grown, **AGES, export_days=None, dry_run=False)
    assert "old" in there(tmp_path)


def test_the_command_shows_and_removes(grown: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dry, it lists each thing with its bytes and leaves it; else it is gone."""
    monkeypatch.setenv("DEEPDLT_STACK", str(tmp_path / "stack"))
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    put(tmp_path / "stack" / "prefect" / "storage" / "stale", 40)
    before = there(tmp_path)
    dry = CliRunner().invoke(app, ["maintain", "--dry-run", "--page-days", "30"])
    assert dry.exit_code == 0, dry.output
    assert f"remove page         {grown.location.page(1).parent}" in dry.stdout
    assert "bytes would be freed" in dry.stdout
    assert there(tmp_path) == before
    done = CliRunner().invoke(app, ["maintain", "--page-days", "30"])
    assert (done.exit_code, "no Prefect server answers" in done.stdout) == (0, True)
    assert before - there(tmp_path) == {"page 1", ".whole.partial-1", ".whole.old-3"}
    assert not (tmp_path / "stack" / "prefect" / "storage" / "stale").exists()


def test_a_dry_run_does_not_migrate_a_lake_of_older_code(
    grown: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what brings the lake up to date, and adds no snapshot."""
    monkeypatch.setenv("DEEPDLT_LAKE", str(grown.root))
    monkeypatch.setenv("DEEPDLT_STACK", str(tmp_path / "stack"))
    monkeypatch.setattr("lake.schema.wanted_views_digest", lambda: "of later code")
    before = grown.snapshot_id()
    dry = CliRunner().invoke(app, ["maintain", "--dry-run"])
    assert (dry.exit_code, "without --dry-run" in dry.stderr) == (1, True), dry.output
    assert grown.snapshot_id() == before
