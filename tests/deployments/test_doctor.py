"""The doctor's single judgements."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from answers import answering
from lake_rows import fill

from deployments import doctor
from deployments.doctor import (
    check_cache,
    check_clock,
    check_lake,
    clock_check,
    disk_check,
    examine,
    limit_check,
    wrong_versions,
)
from deployments.errors import ServerUnreachable
from deployments.parts import POOLS
from deployments.processes import Started, birth_of
from deployments.settings import StackPaths
from deployments.stack_state import StackState, write_state
from lake import Lake


@pytest.mark.parametrize(("n_free_bytes", "level"), [(10**8, "fail"), (2 * 10**9, "warn"), (10**11, "ok")])
def test_a_full_disk_is_a_failure(tmp_path: Path, n_free_bytes: int, level: str) -> None:
    """A tight one is a warning; both say what to do."""
    check = disk_check(tmp_path, n_free_bytes)
    assert (check.level, bool(check.remedy)) == (level, level != "ok")


def test_wrong_and_missing_packages_are_named() -> None:
    """Those that only belong to an extra, or to another system, are not asked for."""
    wrong = wrong_versions(
        ["typer>=0.16", "typer<0.1", "no-such-package", "no-such-extra; extra == 'dev'", "no-such; sys_platform == 'x'"]
    )
    assert [line.split(" ")[0] for line in wrong] == ["typer<0.1", "no-such-package"]


def test_a_lake_that_is_not_there_yet_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first night makes it."""
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path / "lake"))
    checks = list(check_lake())
    assert (checks[0].level, checks[0].remedy) == ("warn", "make retrain")


@pytest.mark.parametrize(
    ("is_ours", "source", "expected"),
    [
        pytest.param(True, None, "warn", id="workers of this stack, nothing set"),
        pytest.param(True, "images", "ok", id="workers of this stack, a folder"),
        pytest.param(True, "gone", "warn", id="workers of this stack, no folder"),
        pytest.param(False, None, "warn", id="a server that is named, nothing set"),
        pytest.param(False, "images", "ok", id="a server that is named, a folder"),
    ],
)
def test_nights_without_a_source_are_a_warning(
    is_ours: bool, source: str | None, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They would take synthetic images; what the workers run with counts, not what this shell has."""
    (tmp_path / "images").mkdir()
    told = {"DEEPDLT_SOURCE": str(tmp_path / source)} if source else {}
    monkeypatch.setenv("DEEPDLT_STACK", str(tmp_path / "stack"))
    if is_ours:
        monkeypatch.setenv("DEEPDLT_SOURCE", "/of/this/shell")
        worker = Started("worker-cpu", os.getpid(), birth_of(os.getpid()) or "")
        write_state(StackPaths(tmp_path / "stack"), StackState("http://127.0.0.1:9/api", True, (worker,), told))
    else:
        for name, value in told.items():
            monkeypatch.setenv(name, value)
    (check,) = doctor.check_source()
    assert (check.level, bool(check.remedy)) == (expected, expected != "ok")
    assert ("synthetic" in check.text, str(source) in check.text) == (source is None, source is not None)


def test_where_nothing_runs_no_source_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are no nights then."""
    monkeypatch.setenv("DEEPDLT_STACK", str(tmp_path / "stack"))
    monkeypatch.delenv("PREFECT_API_URL")
    assert list(doctor.check_source()) == []


def test_a_lake_that_is_none_is_a_failure_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said once, by the check of the lake."""
    monkeypatch.setenv("DEEPDLT_LAKE", "s3://lab/results")
    monkeypatch.setattr(doctor, "CHECKS", (check_lake, check_clock, doctor.check_python))
    monkeypatch.setattr(doctor, "known_server", lambda: None)
    found = list(examine())
    assert [(check.level, check.name) for check in found] == [("fail", "lake"), ("ok", "python")]
    assert "set DEEPDLT_LAKE to one" in found[0].text


def test_a_check_that_cannot_be_made_is_a_failure_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor itself never breaks off."""

    def check_broken() -> list[doctor.Check]:
        raise ServerUnreachable("http://127.0.0.1:9/api", "no answer")

    monkeypatch.setattr(doctor, "CHECKS", (check_broken, doctor.check_python))
    assert [(check.level, check.name) for check in examine()] == [("fail", "broken"), ("ok", "python")]


def test_a_server_that_is_named_and_does_not_answer_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stack's own parts are not looked at then: they are not what runs the nights."""
    monkeypatch.setenv("PREFECT_API_URL", "http://127.0.0.1:9/api")
    (found,) = doctor.check_stack()
    assert (found.level, found.name) == ("fail", "server")
    assert "http://127.0.0.1:9/api" in found.text


@pytest.mark.parametrize("is_elsewhere", [True, False], ids=["a server elsewhere", "the stack's"])
def test_a_pool_without_a_worker_gets_one_where_its_workers_are_kept(
    is_elsewhere: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers of this shell would be others than those of the unit or container: with another lake, perhaps."""
    monkeypatch.setenv("DEEPDLT_STACK", str(tmp_path))
    pools = [{"name": name, "is_paused": False} for name in POOLS]
    answers = {"work_pools/filter": pools, "deployments/filter": []} | {
        f"work_pools/{n}/workers/filter": [] for n in POOLS
    }
    with answering(lambda path, _: (200, answers.get(path, True))) as api_url:
        if is_elsewhere:
            monkeypatch.setenv("PREFECT_API_URL", api_url)
        else:
            monkeypatch.delenv("PREFECT_API_URL")
            write_state(StackPaths(tmp_path), StackState(api_url))
        remedies = [check.remedy for check in doctor.check_server() if check.name.startswith("pool")]
    assert len(remedies) == len(POOLS)
    assert all(("deepdlt-worker@" in remedy) == is_elsewhere for remedy in remedies)


@pytest.mark.parametrize(("apart_s", "level"), [(0, "ok"), (-4, "ok"), (6, "warn"), (-3600, "warn")])
def test_clocks_that_are_apart_are_a_warning(apart_s: float, level: str) -> None:
    """Either way; it says what to do."""
    now = datetime(2026, 5, 1, tzinfo=UTC)
    check = clock_check(now, now + timedelta(seconds=apart_s), "the server's")
    assert (check.level, bool(check.remedy)) == (level, level != "ok")


def test_a_clock_before_the_newest_night_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was set back, or that night's machine was ahead; no night, or one of the past, is well."""
    monkeypatch.setenv("DEEPDLT_LAKE", str(tmp_path / "lake"))
    monkeypatch.setattr(doctor, "known_server", lambda: None)
    lake = Lake.open(tmp_path / "lake")
    for number, ended_h, n_warnings in ((1, None, 0), (1, -1, 0), (2, 1, 1)):
        if ended_h is not None:
            ended = datetime.now(UTC) + timedelta(hours=ended_h)
            fill(lake, nights=[{"night_id": f"n{number}", "sequence": number, "finished_at": ended}])
        assert [check.level for check in check_clock()] == ["warn"] * n_warnings


@pytest.mark.parametrize(
    ("limit", "n_under_way", "level"),
    [
        pytest.param(None, 0, "warn", id="no limit"),
        pytest.param({"limit": 1, "active_slots": 0}, 0, "ok", id="free"),
        pytest.param({"limit": 1, "active_slots": 1}, 1, "ok", id="held"),
        pytest.param({"limit": 1, "active_slots": 1}, 0, "warn", id="held by nobody"),
    ],
)
def test_a_slot_that_nobody_holds_is_a_warning(limit: dict[str, int] | None, n_under_way: int, level: str) -> None:
    """And so is no limit at all."""
    check = limit_check(limit, n_under_way)
    assert (check.level, bool(check.remedy)) == (level, level != "ok")


def test_the_cache_says_how_much_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None yet is well."""
    monkeypatch.setenv("DEEPDLT_STACK", str(tmp_path))
    assert "none yet" in next(check_cache()).text
    (tmp_path / "prefect" / "storage").mkdir(parents=True)
    (tmp_path / "prefect" / "storage" / "key").write_bytes(bytes(2_000_000))
    (check,) = check_cache()
    assert (check.level, "1 results, 2.0 MB" in check.text) == ("ok", True)
