"""What the views say of the newest night, asked of another one."""

import pytest
from lake_rows import fill, run_rows

from lake import Lake
from lake.night_views import _copy, ask_of_night
from lake.schema import views


@pytest.fixture
def two_nights(lake: Lake) -> Lake:
    """Two nights of one run each, with a group, a probe and another loss."""
    metrics = [row for run in ("old", "new") for row in run_rows(run, 1, {"test": {"old": 1.0, "new": 2.0}[run]})]
    fill(
        lake,
        fold_metrics=[{"run_id": row["run_id"], "split": row["split"]} | row for row in metrics],
        nights=[{"night_id": "n1", "sequence": 1}, {"night_id": "n2", "sequence": 2}],
        night_runs=[{"night_id": "n1", "run_id": "old"}, {"night_id": "n2", "run_id": "new"}],
        groups=[{"group_id": "g1", "preset": "first"}, {"group_id": "g2", "preset": "second"}],
        night_groups=[{"night_id": "n1", "group_id": "g1"}, {"night_id": "n2", "group_id": "g2"}],
        difficulty_sentences=[
            {"group_id": "g1", "label": "NP", "place": 0},
            {"group_id": "g2", "label": "NP", "place": 0},
        ],
    )
    return lake


def ask(lake: Lake, sql: str, night: str) -> list[tuple[object, ...]]:
    """Ask of a night."""
    return ask_of_night(lake, night, {"it": sql})["it"].rows()


def test_a_view_of_the_newest_night_answers_for_any(two_nights: Lake) -> None:
    """Also one that reads others, and a statement with parts of its own."""
    assert [ask(two_nights, "SELECT test_loss FROM fold_summary", night) for night in ("n1", "n2")] == [
        [(1.0,)],
        [(2.0,)],
    ]
    assert ask(two_nights, "SELECT preset FROM difficulty_answer", "n1") == [("first",)]
    own = "WITH twice AS (SELECT 2 * sequence AS double FROM latest_night) SELECT double FROM twice"
    assert ask(two_nights, own, "n2") == [(4,)]


def test_the_newest_night_so_asked_is_what_the_view_says(two_nights: Lake) -> None:
    """Every view that reads the newest night, column by column."""
    dependent = [view.name for view in views() if "latest_night" in view.text and view.name != "latest_night"]
    assert len(dependent) >= 7
    for name in dependent:
        assert ask(two_nights, f"FROM {name}", "n2") == two_nights.query(f"FROM {name}").rows()


def test_a_night_that_is_not_there_has_nothing(two_nights: Lake) -> None:
    """No other night's numbers are taken for its."""
    assert ask(two_nights, "FROM fold_summary", "n3") == []


def test_only_the_patches_of_the_night_are_copied(two_nights: Lake) -> None:
    """Of a table with many rows a run, what belongs to other nights' runs is not looked at."""
    errors = [{"run_id": run, "patch_id": f"{run}{number}"} for run in ("old", "new") for number in range(2)]
    fill(two_nights, patch_metrics=errors)
    assert ask(two_nights, "SELECT DISTINCT run_id FROM patch_metrics", "n1") == [("old",)]


def test_a_table_is_copied_only_where_it_is_read(two_nights: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """A column that is called like a table of a million rows does not bring it into memory."""
    copied: list[str] = []
    monkeypatch.setattr("lake.night_views._copy", lambda table: copied.append(table) or _copy(table))
    ask(two_nights, "SELECT n_folds AS folds FROM fold_summary JOIN latest_night ON true", "n1")
    assert copied == ["baselines", "fold_metrics", "night_runs", "nights", "runs"]


def test_questions_leave_nothing_behind(two_nights: Lake) -> None:
    """The copies are gone: a later question sees what was written since."""
    assert ask(two_nights, "SELECT count(*) FROM nights", "n1") == [(2,)]
    fill(two_nights, nights=[{"night_id": "n3", "sequence": 3}])
    assert ask(two_nights, "SELECT count(*) FROM nights", "n1") == [(3,)]


def test_a_snapshot_does_not_see_what_is_written_meanwhile(two_nights: Lake) -> None:
    """All answers within it are of one state of the lake."""
    with two_nights.snapshot() as connection:
        before = connection.execute("SELECT count(*) FROM nights").fetchone()
        fill(two_nights, nights=[{"night_id": "n3", "sequence": 3}])
        assert connection.execute("SELECT count(*) FROM nights").fetchone() == before == (2,)
    assert two_nights.query("SELECT count(*) FROM nights").item() == 3
