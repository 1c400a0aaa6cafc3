"""Where the local stack keeps its things, and every Prefect setting it runs with.

One place says them all, and three take them from here: the server, the workers (and through them every flow run),
and ``prefect.toml`` in the project's folder, which commands typed there by hand read.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
WORKER_PATHS = ("DEEPDLT_LAKE", "DEEPDLT_CACHE", "DEEPDLT_SCRATCH", "DEEPDLT_SHEET_SPEC", "DEEPDLT_SOURCE")
"""Variables of the workers that name a place; all but an address are made absolute."""
WORKER_VALUES = ("DEEPDLT_PROFILE", "DEEPDLT_DEVICE", "DEEPDLT_STILL_S")
"""Variables of the workers that are taken as they are."""
LOOPBACK = "127.0.0.1"
ANYWHERE = {"0.0.0.0", "::"}  # noqa: S104 - nothing is bound here
AUTH = "PREFECT_SERVER_API_AUTH_STRING"
"""NAME:PASSWORD that the server wants to hear."""
CLIENT_AUTH = "PREFECT_API_AUTH_STRING"
"""The same, of those who ask it."""
NO_PROXY = ("NO_PROXY", "no_proxy")
"""Of the two, most programs take the second one where both are set."""
SETTINGS_HEADER = "# Written by `deepdlt up`, removed by `deepdlt down`: commands typed here reach the local stack."


@dataclass(frozen=True)
class StackPaths:
    """The files of one local stack; all lie in one folder, but for ``prefect.toml`` beside it."""

    folder: Path

    @property
    def state(self) -> Path:
        """Say which processes were started: their ids, their start times, the port."""
        return self.folder / "state.json"

    @property
    def lock(self) -> Path:
        """Keep two that start or stop the stack at once apart."""
        return self.folder / "lock"

    @property
    def logs(self) -> Path:
        """Keep what each process prints, one file each."""
        return self.folder / "logs"

    @property
    def prefect_home(self) -> Path:
        """Keep Prefect's database, leases and results."""
        return self.folder / "prefect"

    @property
    def server_lock(self) -> Path:
        """Keep a second server off those files."""
        return self.prefect_home / "server.lock"

    @property
    def settings_file(self) -> Path:
        """Hand the settings to commands typed in the project's folder."""
        return self.folder.parent / "prefect.toml"

    def make_folders(self) -> None:
        """Make the folders where they are missing, for the user alone."""
        for folder in (self.folder, self.prefect_home):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def stack_paths() -> StackPaths:
    """Return the paths of the stack: under ``DEEPDLT_STACK``, or else ``.stack`` in the project's folder."""
    return StackPaths(Path(os.environ.get("DEEPDLT_STACK") or PROJECT / ".stack").absolute())


def own_variables() -> dict[str, str]:
    """Return deepdlt's own variables that the workers run with; a change of these needs other workers.

    Where the lake lies is made absolute: a worker runs in another folder than the command that starts it.
    """
    kept = {name: value for name in (*WORKER_PATHS, *WORKER_VALUES) if (value := os.environ.get(name))}
    paths = {name: kept[name] for name in WORKER_PATHS if name in kept and "://" not in kept[name]}
    return kept | {name: str(Path(value).expanduser().absolute()) for name, value in paths.items()}


def what_nights_take(variables: Mapping[str, str]) -> str:
    """Return in a line which images the nights take that a schedule starts, from what the workers run with."""
    if source := variables.get("DEEPDLT_SOURCE"):
        return f"scheduled nights take the images in {source}"
    return "scheduled nights take synthetic images: DEEPDLT_SOURCE is not set"


def external_api_url() -> str | None:
    """Return the address of a server that the user runs elsewhere, where one is set."""
    return os.environ.get("PREFECT_API_URL") or None


def prefect_settings(paths: StackPaths, api_url: str, *, is_own_server: bool) -> dict[str, str]:
    """Return the environment that clients and workers of the stack run with.

    Parameters
    ----------
    paths : StackPaths
        Where results and Prefect's own files go.
    api_url : str
        Address of the server's API, ending in ``/api``.
    is_own_server : bool
        Whether the server is the stack's. For another one the user's own Prefect profile, which may hold a key, stays.

    Returns
    -------
    settings : dict of str
        Environment variables; to be laid over the caller's own.
    """
    settings = {
        "PREFECT_API_URL": api_url,
        # Results are small JSON records, never pickles; they outlive the server's database.
        "PREFECT_RESULTS_DEFAULT_SERIALIZER": "json",
        "PREFECT_RESULTS_LOCAL_STORAGE_PATH": str(results_folder(paths)),
        "DEEPDLT_RESULTS": str(results_folder(paths)),  # for upkeep: what lies there is ours
        "PREFECT_LOGGING_EXTRA_LOGGERS": "deepdlt,lake,tasks,flows",
        # Log lines reach the server, and the terminal that follows a run, twice a second.
        "PREFECT_LOGGING_TO_API_BATCH_INTERVAL": "0.5",
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        # The least that Prefect takes; the automation in deploy.py waits for three of them.
        "PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30",
        "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_CLIENT_SERVER_VERSION_CHECK_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "MPLCONFIGDIR": str(paths.folder / "matplotlib"),
        **dict.fromkeys(NO_PROXY, not_through_a_proxy()),
    }
    if is_own_server:
        settings["PREFECT_HOME"] = str(paths.prefect_home)
        settings["PREFECT_PROFILES_PATH"] = str(paths.prefect_home / "profiles.toml")
    return settings


def not_through_a_proxy() -> str:
    """Return the hosts that are asked without a proxy: those of either spelling of the variable, and this machine."""
    named = [host.strip() for name in NO_PROXY for host in os.environ.get(name, "").split(",")]
    if "*" in named:
        return "*"  # all, where it stands alone
    return ",".join(dict.fromkeys(filter(None, (*named, LOOPBACK, "localhost", "::1"))))


def results_folder(paths: StackPaths) -> Path:
    """Return where the results of steps lie."""
    return paths.prefect_home / "storage"


def keep_prefect_here() -> None:
    """Have Prefect, where it is imported for its functions alone, keep its files with ours and report to nobody."""
    paths = stack_paths()
    paths.make_folders()
    os.environ.setdefault("PREFECT_HOME", str(paths.prefect_home))
    os.environ.setdefault("DO_NOT_TRACK", "1")


def server_settings(paths: StackPaths, port: int, host: str = LOOPBACK) -> dict[str, str]:
    """Return the environment that the server of the stack runs with, on this port of an address."""
    own = LOOPBACK if host in ANYWHERE else f"[{host}]" if ":" in host else host
    return prefect_settings(paths, f"http://{own}:{port}/api", is_own_server=True) | {
        "PREFECT_SERVER_API_HOST": host,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_DATABASE_CONNECTION_URL": server_database()
        or f"sqlite+aiosqlite:///{paths.prefect_home / 'prefect.db'}",
        # Workers and server share one SQLite file's lock: wait for it rather than lose a heartbeat.
        "PREFECT_SERVER_DATABASE_TIMEOUT": "60",
        # On disk: a lease in memory that dies with the server holds its slot for ever, and every later night is
        # cancelled.
        "PREFECT_SERVER_CONCURRENCY_LEASE_STORAGE": "prefect.server.concurrency.lease_storage.filesystem",
        # Runs stay until `maintain` forgets ours (docs/keeping.md); those of others are not for us to remove.
        "PREFECT_SERVER_SERVICES_DB_VACUUM_ENABLED": "events",
        "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
        "PREFECT_SERVER_EPHEMERAL_ENABLED": "false",
    }


def server_database() -> str | None:
    """Return the database that the user names for the server, under either name that Prefect has for it."""
    names = ("PREFECT_SERVER_DATABASE_CONNECTION_URL", "PREFECT_API_DATABASE_CONNECTION_URL")
    return next((value for name in names if (value := os.environ.get(name))), None)


def settings_file_text(paths: StackPaths, api_url: str, *, is_own_server: bool) -> str:
    """Return the text of ``prefect.toml``: what a command typed in the project's folder needs to reach the stack."""
    settings = prefect_settings(paths, api_url, is_own_server=is_own_server)
    lines = [
        SETTINGS_HEADER,
        *(f'home = "{settings[name]}"' for name in ("PREFECT_HOME",) if name in settings),
        *(f'profiles_path = "{settings[name]}"' for name in ("PREFECT_PROFILES_PATH",) if name in settings),
        "[api]",
        f'url = "{api_url}"',
        "[results]",
        'default_serializer = "json"',
        f'local_storage_path = "{settings["PREFECT_RESULTS_LOCAL_STORAGE_PATH"]}"',
        "[logging]",
        f'extra_loggers = "{settings["PREFECT_LOGGING_EXTRA_LOGGERS"]}"',
        "[worker]",
        "query_seconds = 1",
        "[flows]",
        "heartbeat_frequency = 30",
        "[telemetry]",
        "enable_resource_metrics = false",
        "[client]",
        "server_version_check_enabled = false",
    ]
    return "\n".join(lines) + "\n"
