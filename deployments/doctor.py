"""Look at everything a night needs, and say of each thing whether it is well and what to do where it is not."""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from packaging.requirements import Requirement

from deepdlt.errors import DeepdltError
from deployments.automations import WEBHOOK, declared, kept_webhook
from deployments.dead_runs import UNDER_WAY
from deployments.deploy import declared_names, declared_version, deployment_file, is_deployed
from deployments.environment import has_cuda
from deployments.errors import DeploymentMissing
from deployments.parts import POOLS
from deployments.server_api import Json, ServerApi
from deployments.settings import external_api_url, own_variables, results_folder, stack_paths, what_nights_take
from deployments.stack import n_online_workers, others_server, start_elsewhere, status
from deployments.stack_state import read_state
from lake.errors import LakeError

if TYPE_CHECKING:
    from lake.location import Location

Level = Literal["ok", "warn", "fail"]
FULL_BYTES = 1_000_000_000
TIGHT_BYTES = 5_000_000_000
CLOCK_S = 5.0
"""Seconds by which clocks may differ: leases and heartbeats live for tens of them."""

SET_CLOCK = "have the system keep its time (timedatectl set-ntp true)"
NIGHT = "retrain/nightly"


@dataclass(frozen=True)
class Check:
    """One line of the doctor: what was looked at, how it is, what to do."""

    level: Level
    name: str
    text: str
    remedy: str = ""


def check_python() -> Iterator[Check]:
    """Look at the Python and the system."""
    is_new_enough = sys.version_info >= (3, 11)
    text = f"{platform.python_version()} in {sys.prefix}, {os.cpu_count()} cores, {platform.system()}"
    yield Check("ok" if is_new_enough else "fail", "python", text, "" if is_new_enough else "make PYTHON=python3.11 up")


def wrong_versions(requirements: list[str]) -> list[str]:
    """Return the requirements that the installed packages do not meet, with what is there."""
    wrong = []
    for requirement in map(Requirement, requirements):
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(requirement.name)
        except PackageNotFoundError:
            wrong.append(f"{requirement} (not installed)")
            continue
        if not requirement.specifier.contains(found, prereleases=True):
            wrong.append(f"{requirement} (found {found})")
    return wrong


def check_versions() -> Iterator[Check]:
    """Look at the installed packages."""
    needed = requires("deepdlt") or []
    wrong = wrong_versions(needed)
    if wrong:
        yield Check("fail", "packages", ", ".join(wrong), "rm .venv/.stamp && make up")
    else:
        names = ("prefect", "duckdb", "torch")
        yield Check("ok", "packages", ", ".join(f"{name} {version(name)}" for name in names))


def check_cuda() -> Iterator[Check]:
    """Look for a CUDA device, and whether PyTorch can use it."""
    if not has_cuda():
        profile = os.environ.get("DEEPDLT_PROFILE") or "quick"
        yield Check("ok", "cuda", f"no device: trainings here run on the CPU; nights composed here are {profile}")
    elif version("torch").endswith("+cpu"):
        yield Check("warn", "cuda", "a device is here, but PyTorch is the CPU build", "rm -r .venv && make up")
    else:
        yield Check("ok", "cuda", f"a device is here, PyTorch is {version('torch')}")


def check_lake() -> Iterator[Check]:
    """Look whether the lake can be read and written, and how much room there is."""
    from lake import Lake
    from lake.location import locate

    place = locate()
    try:
        nights = Lake.open(is_read_only=True).query_rows("SELECT count(*) FROM nights").rows[0][0]
        yield Check("ok", "lake", f"{place}, {nights} nights")
    except LakeError as error:
        is_missing = type(error).__name__ == "LakeMissing"
        yield Check("warn" if is_missing else "fail", "lake", str(error), "make retrain" if is_missing else "")
    there = locate_lake()
    if place.bucket:
        yield bucket_check(place)
    if not os.access(there, os.W_OK):
        variable = "DEEPDLT_CACHE" if place.bucket else "DEEPDLT_LAKE"
        yield Check("fail", "lake", f"{there} cannot be written", f"set {variable} to a folder of yours")
    yield disk_check(there, shutil.disk_usage(there).free)


def bucket_check(place: "Location") -> Check:
    """Write an object of its own into a lake's bucket, read it and remove it."""
    from lake.bucket import Bucket

    try:
        Bucket(place).try_out()
    except LakeError as error:
        return Check("fail", "bucket", str(error), "docs/many-machines.md says what the key needs")
    return Check("ok", "bucket", f"{place.bucket} is read and written; copies of its files are in {place.root}")


def disk_check(folder: Path, n_free_bytes: int) -> Check:
    """Judge the room that is left."""
    level: Level = "fail" if n_free_bytes < FULL_BYTES else "warn" if n_free_bytes < TIGHT_BYTES else "ok"
    remedy = "" if level == "ok" else "make room, or set DEEPDLT_LAKE (DEEPDLT_CACHE, for a bucket's) to a larger disk"
    return Check(level, "disk", f"{n_free_bytes / 1e9:.1f} GB free at {folder}", remedy)


def check_source() -> Iterator[Check]:
    """Look which images the nights of the schedule take: by the workers of this stack, or by the environment here."""
    state = read_state(stack_paths())
    is_ours = state.is_part_alive("worker-cpu")
    if not is_ours and external_api_url() is None:
        return  # nothing runs, and the check of the stack says so
    variables = state.variables if is_ours else own_variables()
    source, text = variables.get("DEEPDLT_SOURCE"), what_nights_take(variables)
    again = "deepdlt up" if is_ours else "start the worker of pool cpu again"
    if source is None:
        yield Check("warn", "source", text, f"set it to the folder of your SEM images, then {again}")
    elif not Path(source).is_dir():
        remedy = f"where the worker of pool cpu is: mount it, or correct DEEPDLT_SOURCE, then {again}"
        yield Check("warn", "source", f"{text}, which is no folder here", remedy)
    else:
        yield Check("ok", "source", text)


def check_cache() -> Iterator[Check]:
    """Look at the results of steps, which stand in for running them again."""
    folder = results_folder(stack_paths())
    if not folder.is_dir():
        yield Check("ok", "cache", f"none yet at {folder}")
        return
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    text = f"{len(sizes)} results, {sum(sizes) / 1e6:.1f} MB at {folder}"
    is_writable = os.access(folder, os.W_OK | os.X_OK)
    yield Check("ok" if is_writable else "fail", "cache", text, "" if is_writable else f"chmod u+rwx {folder}")


def check_clock() -> Iterator[Check]:
    """Look whether the clock agrees with that of the server, and is not before the newest night."""
    now = datetime.now(UTC)
    api_url = known_server()
    if api_url:
        yield clock_check(now, ServerApi(api_url, timeout_s=5).clock(), "the server's")
    newest = newest_night()
    if newest is not None and newest > now + timedelta(seconds=CLOCK_S):
        yield Check("warn", "clock", f"it is before the newest night's end, {newest:%Y-%m-%d %H:%M %Z}", SET_CLOCK)


def clock_check(here: datetime, there: datetime, whose: str) -> Check:
    """Judge how far two clocks are apart."""
    apart_s = abs((here - there).total_seconds())
    text = f"{apart_s:.0f} s apart from {whose}"
    return Check("warn", "clock", text, SET_CLOCK) if apart_s > CLOCK_S else Check("ok", "clock", text)


def newest_night() -> datetime | None:
    """Return when the newest night ended; None where there is none to tell of."""
    from lake import Lake

    try:
        rows = Lake.open(is_read_only=True).query_rows("SELECT finished_at FROM latest_night").rows
    except LakeError:
        return None  # the lake's own check says what is wrong
    return rows[0][0] if rows else None


def check_stack() -> Iterator[Check]:
    """Look at server and workers of the local stack; of a server elsewhere the pools say which workers it has."""
    if named := server_elsewhere():
        if ServerApi(named, timeout_s=5).is_healthy():
            yield Check("ok", "server", f"{named} answers")
        else:
            yield Check("fail", "server", f"{named} does not answer", "start it, or correct PREFECT_API_URL")
        return
    for part in status():
        yield Check("ok" if part.is_running else "warn", part.name, part.detail, "" if part.is_running else "make up")


def server_elsewhere() -> str | None:
    """Return the address of a server that others keep, with its workers; None where either is ours."""
    state = read_state(stack_paths())
    named = others_server(state)
    return None if named and state.has_workers_for(named) else named


def known_server() -> str | None:
    """Return the address of the server that answers; None where none does."""
    api_url = external_api_url() or read_state(stack_paths()).api_url
    return api_url if api_url and ServerApi(api_url, timeout_s=5).is_healthy() else None


def check_server() -> Iterator[Check]:
    """Look at what the server knows: pools, their workers, the deployments."""
    api_url = known_server()
    if api_url is None:
        return
    api = ServerApi(api_url)
    pools = {pool["name"]: pool for pool in api.ask("POST", "work_pools/filter", {"limit": 200})}
    for name in POOLS:
        if name not in pools:
            yield Check("warn", f"pool {name}", "not there", "deepdlt deploy")
            continue
        n_online = n_online_workers(api_url, name)
        text = f"{n_online} workers online" + (", paused" if pools[name]["is_paused"] else "")
        remedy = start_elsewhere(name) if server_elsewhere() else "deepdlt up"
        yield Check("ok" if n_online else "warn", f"pool {name}", text, "" if n_online else remedy)
    file = deployment_file()
    if is_deployed(api, declared_names(file), declared_version(file)):
        yield Check("ok", "deployments", f"as {file.name} says")
    else:
        yield Check("warn", "deployments", f"other than {file.name} says", "deepdlt deploy")


def check_limit() -> Iterator[Check]:
    """Look at the limit that keeps two nights apart: a slot that nobody holds would cancel every night."""
    api_url = known_server()
    if api_url is None:
        return
    api = ServerApi(api_url)
    try:
        limit = api.deployment(NIGHT)["global_concurrency_limit"]
    except DeploymentMissing:
        return  # the check of the deployments says so
    under_way = {"state": {"type": {"any_": UNDER_WAY}}, "deployment_id": {"any_": [api.deployment(NIGHT)["id"]]}}
    yield limit_check(limit, len(api.runs(under_way)))


def limit_check(limit: Json | None, n_under_way: int) -> Check:
    """Judge the limit of nights at once, beside how many are under way."""
    if limit is None:
        return Check("warn", "limit", f"{NIGHT} has none: two nights may run at once", "deepdlt deploy --force")
    text = f"{limit['active_slots']} of {limit['limit']} slots of {NIGHT} taken, {n_under_way} runs under way"
    if limit["active_slots"] > n_under_way:
        again = "start the server again where it is managed" if server_elsewhere() else "deepdlt down && deepdlt up"
        return Check("warn", "limit", text, f"wait five minutes; if it stays so: {again}")
    return Check("ok", "limit", text)


def check_watching() -> Iterator[Check]:
    """Look at the automations, and have them told where the disk is nearly full."""
    api_url = known_server()
    if api_url is None:
        return
    api = ServerApi(api_url)
    names = sorted(automation["name"] for automation in declared())
    have = api.ask("POST", "automations/filter", {"automations": {"name": {"any_": names}}, "limit": 100})
    missing = sorted(set(names) - {one["name"] for one in have if one["enabled"]})
    if missing:
        yield Check("warn", "watching", f"not there or off: {', '.join(missing)}", "deepdlt deploy --force")
    else:
        told = "tell a webhook" if kept_webhook(api) else f"tell nobody: {WEBHOOK} was not set"
        yield Check("ok", "watching", f"{len(names)} automations, which {told}")
    root = locate_lake()
    n_free_bytes = shutil.disk_usage(root).free
    if n_free_bytes < TIGHT_BYTES:
        payload = {"folder": str(root), "n_free_bytes": n_free_bytes}
        api.emit("deepdlt.disk.low", "deepdlt.lake.seen-by-doctor", payload)


def locate_lake() -> Path:
    """Return the lake's folder, or the nearest one above it that is there."""
    from lake.location import locate

    root = locate().root
    return next(folder for folder in (root, *root.parents) if folder.exists())


CHECKS: tuple[Callable[[], Iterator[Check]], ...] = (
    check_python,
    check_versions,
    check_cuda,
    check_source,
    check_lake,
    check_cache,
    check_clock,
    check_stack,
    check_server,
    check_limit,
    check_watching,
)


def examine() -> Iterator[Check]:
    """Yield every check; one that cannot be made is a failure of its own.

    Yields
    ------
    check : Check
    """
    for check in CHECKS:
        try:
            yield from check()
        except (DeepdltError, LakeError, OSError) as error:
            yield Check("fail", check.__name__.removeprefix("check_"), str(error))
