"""The doctor's single judgements."""

from pathlib import Path

import pytest

from deployments import doctor
from deployments.doctor import check_lake, disk_check, examine, wrong_versions
from deployments.errors import ServerUnreachable


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


def test_a_check_that_cannot_be_made_is_a_failure_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """The doctor itself never breaks off."""

    def check_broken() -> list[doctor.Check]:
        raise ServerUnreachable("http://127.0.0.1:9/api", "no answer")

    monkeypatch.setattr(doctor, "CHECKS", (check_broken, doctor.check_python))
    assert [(check.level, check.name) for check in examine()] == [("fail", "broken"), ("ok", "python")]
