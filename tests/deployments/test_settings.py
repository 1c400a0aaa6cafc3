"""The settings of the stack: one place, read by all."""

import re
import tomllib
from pathlib import Path

import pytest

from deployments.parts import server_environment
from deployments.settings import (
    PROJECT,
    WORKER_PATHS,
    WORKER_VALUES,
    StackPaths,
    own_variables,
    prefect_settings,
    server_settings,
    settings_file_text,
    stack_paths,
)

URL = "http://127.0.0.1:4711/api"


def test_the_settings_file_says_what_the_environment_says(tmp_path: Path) -> None:
    """Commands typed by hand run with the settings of the workers."""
    paths = StackPaths(tmp_path / ".stack")
    settings = prefect_settings(paths, URL, is_own_server=True)
    table = tomllib.loads(settings_file_text(paths, URL, is_own_server=True))
    assert table["api"]["url"] == settings["PREFECT_API_URL"]
    assert table["home"] == settings["PREFECT_HOME"]
    assert table["results"]["local_storage_path"] == settings["PREFECT_RESULTS_LOCAL_STORAGE_PATH"]
    assert table["results"]["default_serializer"] == settings["PREFECT_RESULTS_DEFAULT_SERIALIZER"] == "json"
    assert str(table["flows"]["heartbeat_frequency"]) == settings["PREFECT_FLOWS_HEARTBEAT_FREQUENCY"]
    assert paths.settings_file == tmp_path / "prefect.toml"


def test_every_setting_is_one_that_prefect_knows(tmp_path: Path) -> None:
    """A name that is misspelt would be passed over in silence."""
    from prefect.settings import get_current_settings
    from prefect.settings.legacy import _get_settings_fields

    known = set(_get_settings_fields(type(get_current_settings())))
    ours = {name for name in server_settings(StackPaths(tmp_path), 4711) if name.startswith("PREFECT_")}
    assert ours
    assert ours <= known


def test_for_another_server_the_users_own_profile_stays(tmp_path: Path) -> None:
    """It may hold the key to that server."""
    paths = StackPaths(tmp_path)
    assert "PREFECT_HOME" in prefect_settings(paths, URL, is_own_server=True)
    assert "PREFECT_HOME" not in prefect_settings(paths, URL, is_own_server=False)
    assert "home" not in tomllib.loads(settings_file_text(paths, URL, is_own_server=False))


def test_the_server_listens_to_this_machine_only(tmp_path: Path) -> None:
    """Nobody else can reach it, and it reports to nobody."""
    settings = server_settings(StackPaths(tmp_path), 4711)
    assert settings["PREFECT_SERVER_API_HOST"] == "127.0.0.1"
    assert settings["PREFECT_SERVER_ANALYTICS_ENABLED"] == "false"
    assert settings["DO_NOT_TRACK"] == "1"


def test_the_stack_lies_in_the_project_unless_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two stacks on one machine need two folders."""
    monkeypatch.delenv("DEEPDLT_STACK")
    assert stack_paths().folder == PROJECT / ".stack"
    monkeypatch.setenv("DEEPDLT_STACK", str(tmp_path))
    assert stack_paths().folder == tmp_path


def test_a_lake_named_from_here_is_the_same_for_a_worker(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Workers run in another folder: they get the absolute path; an address stays as it is."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DEEPDLT_LAKE", "lake")
    assert own_variables()["DEEPDLT_LAKE"] == str(tmp_path / "lake")
    monkeypatch.setenv("DEEPDLT_LAKE", "postgres://host/lake")
    assert own_variables()["DEEPDLT_LAKE"] == "postgres://host/lake"


@pytest.mark.parametrize(
    ("name", "value"), [("DEEPDLT_PROFILE", "paper"), ("DEEPDLT_DEVICE", "cpu"), ("DEEPDLT_STILL_S", "9")]
)
def test_a_variable_that_nights_read_belongs_to_the_workers(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it is: it names no place. Empty, it is not set."""
    monkeypatch.setenv(name, value)
    assert own_variables()[name] == value
    monkeypatch.setenv(name, "")
    assert name not in own_variables()


def test_every_variable_that_a_night_reads_is_handed_to_the_workers() -> None:
    """A change of one that is forgotten here would be passed over by workers that run."""
    files = [file for layer in ("deepdlt", "lake", "tasks", "flows") for file in (PROJECT / layer).rglob("*.py")]
    code = "".join(file.read_text() for file in files)
    read = set(re.findall(r"\"(DEEPDLT_[A-Z_]+)\"", code))
    assert read - {*WORKER_PATHS, *WORKER_VALUES} == {"DEEPDLT_RESULTS"}  # which the stack itself sets


@pytest.mark.parametrize("name", ["PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL"])
def test_the_server_keeps_its_runs_where_the_user_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under either of Prefect's names; without one, in a file of the stack."""
    setting = "PREFECT_SERVER_DATABASE_CONNECTION_URL"
    assert server_settings(StackPaths(tmp_path), 4711)[setting].startswith("sqlite+aiosqlite:")
    monkeypatch.setenv(name, "postgresql+asyncpg://prefect@db.lab/prefect")
    assert server_settings(StackPaths(tmp_path), 4711)[setting] == "postgresql+asyncpg://prefect@db.lab/prefect"


@pytest.mark.parametrize(
    ("upper", "lower", "expected"),
    [
        ("", "", "127.0.0.1,localhost,::1"),
        ("a.lab", "", "a.lab,127.0.0.1,localhost,::1"),
        ("", "b.lab", "b.lab,127.0.0.1,localhost,::1"),
        ("a.lab, localhost", "b.lab,a.lab", "a.lab,localhost,b.lab,127.0.0.1,::1"),
        ("a.lab", "*", "*"),
    ],
)
def test_no_proxy_stands_between_the_parts_of_the_stack(
    upper: str, lower: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever spelling of the variable a program reads, and what the user has in it stays."""
    monkeypatch.setenv("NO_PROXY", upper)
    monkeypatch.setenv("no_proxy", lower)
    settings = prefect_settings(StackPaths(tmp_path), URL, is_own_server=True)
    assert (settings["NO_PROXY"], settings["no_proxy"]) == (expected, expected)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:4711/api"),
        ("::1", "http://[::1]:4711/api"),
        ("::", "http://127.0.0.1:4711/api"),
        ("db.lab", "http://db.lab:4711/api"),
    ],
)
def test_a_server_asks_itself_where_it_listens(host: str, url: str, tmp_path: Path) -> None:
    """An address of the sixth version stands in brackets."""
    assert server_settings(StackPaths(tmp_path), 4711, host)["PREFECT_API_URL"] == url


@pytest.mark.parametrize(("own", "expected"), [("", "me:secret"), ("me:other", "me:other")])
def test_a_server_with_a_password_knows_it_when_it_asks_itself(
    own: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it is started."""
    monkeypatch.setenv("PREFECT_SERVER_API_AUTH_STRING", "me:secret")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", own)
    assert server_environment(StackPaths(tmp_path), 4711)["PREFECT_API_AUTH_STRING"] == expected


def test_the_folders_of_a_stack_are_private(tmp_path: Path) -> None:
    """The one above Prefect's, too."""
    paths = StackPaths(tmp_path / "above" / "stack")
    paths.make_folders()
    assert [folder.stat().st_mode & 0o777 for folder in (paths.folder, paths.prefect_home)] == [0o700, 0o700]
