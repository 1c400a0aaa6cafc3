"""One night from the command line: the stack, the deployments, the run, the metrics it left."""

import json
import shutil
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from deepdlt.refresh import read_refresh
from deployments.deploy import deploy
from deployments.display import make_display
from deployments.errors import WrongUse
from deployments.follow import Outcome, run_deployment
from deployments.server_api import ServerApi
from deployments.settings import external_api_url, what_nights_take
from deployments.stack import find_workers
from deployments.stack_state import StackState
from deployments.tables import render_table

NIGHT = "retrain/nightly"
Say = Callable[[str], None]


def split_list(text: str | None) -> list[str] | None:
    """Return the items of a list as people type it, with commas or spaces.

    Examples
    --------
    >>> split_list("NP, PP1 angle")
    ['NP', 'PP1', 'angle']
    """
    return text.replace(",", " ").split() if text else None


def read_settings(pairs: Sequence[str]) -> dict[str, Any]:
    """Return settings by name from ``name=value``; a value is JSON where it can be read as such, else text.

    Raises
    ------
    WrongUse
        If there is no ``=``, or a name is given twice.

    Examples
    --------
    >>> read_settings(["beta=4", "schedule=one_cycle", 'loss={"mse": 1}', "stop_patience=null"])
    {'beta': 4, 'schedule': 'one_cycle', 'loss': {'mse': 1}, 'stop_patience': None}
    """
    settings: dict[str, Any] = {}
    for pair in pairs:
        name, is_pair, value = pair.partition("=")
        if not is_pair or name in settings:
            raise WrongUse(f"--set {pair!r} is no setting of its own: write name=value, each name once")
        try:
            settings[name] = json.loads(value)
        except json.JSONDecodeError:
            settings[name] = value
    return settings


def night_parameters(
    *,
    source: str | None,
    labels: str | None,
    schemes: str | None,
    models: str | None,
    seeds: str | None = None,
    settings: Sequence[str] | None = None,
    refresh: str | None = None,
    **others: Any,
) -> dict[str, Any]:
    """Return the parameters of the flow: only what was said, so that its own defaults hold for the rest.

    Raises
    ------
    WrongUse
        If the source is no folder here, and the run is to happen here; if a path is relative and leads to nothing here;
        if a seed or a setting cannot be read.
    StepUnknown
        If what is to be done again is no step.
    """
    again = read_refresh(split_list(refresh) or ()).names
    chosen = read_settings(settings or ())
    if source:
        source = as_workers_see(source, "--source", Path.is_dir, "a folder with SEM images and one label sheet")
    if isinstance(weights := chosen.get("vgg_weights"), str) and weights:
        chosen["vgg_weights"] = as_workers_see(
            weights, "--set vgg_weights", Path.is_file, "a safetensors file with VGG16's weights"
        )
    lists = {"labels": split_list(labels), "schemes": split_list(schemes), "models": split_list(models)}
    said = {"source": source, **lists, "seeds": _numbers(seeds), "settings": chosen or None}
    said |= {"refresh": list(again) or None}
    said |= others
    return {name: value for name, value in said.items() if value is not None}


def as_workers_see(text: str, option: str, is_there: Callable[[Path], bool], wanted: str) -> str:
    """Return a path as the workers are to find it, who run in another folder and maybe on another machine.

    Parameters
    ----------
    text : str
        The path, as it was typed.
    option : str
        Where it was typed.
    is_there : callable
        Tells whether the path leads to what it should, on this machine.
    wanted : str
        What that is, for the message.

    Raises
    ------
    WrongUse
        If it leads nowhere here, and is relative or meant for the stack of this machine.
    """
    path = Path(text).expanduser()
    if is_there(path):
        return str(path if Path(text).is_absolute() and external_api_url() else path.resolve())
    if not external_api_url():
        raise WrongUse(f"{option} {path} is not there: give {wanted}")
    if not Path(text).is_absolute():
        raise WrongUse(
            f"{option} {text} is not there, and PREFECT_API_URL names a server whose workers run elsewhere: give the "
            f"whole path of {wanted}, as the workers see it"
        )
    return text


def _numbers(text: str | None) -> list[int] | None:
    """Return the seeds in a text."""
    try:
        return [int(item) for item in split_list(text) or ()] or None
    except ValueError:
        raise WrongUse(f"--seeds {text!r} are not whole numbers: write them as '0 1 2'") from None


def run_night(parameters: dict[str, Any], say: Say = print) -> Outcome:
    """Start what is not running, register what is not registered, run a night and follow it to its end.

    Parameters
    ----------
    parameters : dict
        Of the flow `retrain`.
    say : callable
        Takes a line for each thing that is done before the run.

    Returns
    -------
    outcome : Outcome
        How it ended.
    """
    state = find_workers(say)
    deploy(state, say)
    outcome = run_deployment(ServerApi(str(state.api_url)), NIGHT, parameters, make_display())
    show_metrics(outcome, say)
    show_ways(state, outcome, say, page=find_page(outcome))
    return outcome


def show_metrics(outcome: Outcome, say: Say) -> None:
    """Print the fold metrics of a night, with its profile above and the query that asks for them."""
    from deepdlt.config import PROFILES
    from lake import Lake, LakeError
    from lake.statements import load

    try:
        lake = Lake.open(is_read_only=True)
        night = lake.query_rows(
            "SELECT sequence, profile, source, n_trained, n_reused, n_failed, n_rejected"
            " FROM nights WHERE night_id = ?",
            [outcome.run_id],
        )
        if not night.rows:
            return
        about = dict(zip(night.columns, night.rows[0], strict=True))
        query = load("fold_metrics_of_newest_night").strip()
        metrics = lake.query_rows(query)
    except LakeError as error:
        say(f"The lake could not be asked for the metrics: {error}")
        return
    say(f"\nNight {about['sequence']}, source {about['source']}")
    say(f"profile {about['profile']}: {PROFILES[about['profile']].description}")
    say("trained {n_trained}, reused {n_reused}, failed {n_failed}, rejected {n_rejected}\n".format(**about))
    say(query + "\n")
    say(render_table(metrics.columns, metrics.rows))


def find_page(outcome: Outcome) -> Path | None:
    """Return the page of a night, None where none was written."""
    from lake import Lake, LakeError
    from lake.location import page_of

    try:
        lake = Lake.open(is_read_only=True)
        nights = lake.query_rows("SELECT sequence FROM nights WHERE night_id = ?", [outcome.run_id]).rows
        pages = [lake.files.fetch(page_of(sequence)) for (sequence,) in nights]
    except LakeError:
        return None
    return next((page for page in pages if page.is_file()), None)


def show_ways(state: StackState, outcome: Outcome, say: Say, *, page: Path | None = None) -> None:
    """Say how the night ended and where to go from here."""
    from lake.location import locate

    ended = f"{outcome.state}: {outcome.message}" if outcome.message else outcome.state
    ui = ServerApi(str(state.api_url)).ui_url
    say(f"\nThe night is {ended}")
    say(f"  in the UI   {ui}/runs/flow-run/{outcome.run_id}")
    if page is not None:
        say(f"  its page    {page}")
    say(f"  the lake    {locate()}")
    if state.is_own_server:
        say(f"  by itself   {what_nights_take(state.variables)}")
    deepdlt = what_to_type()
    say(f'  ask it      {deepdlt} sql "FROM label_summary"; {deepdlt} tables')
    if state.is_own_server or state.parts:
        say(f"  next        {deepdlt} status, {deepdlt} export TARGET, {deepdlt} down")
    else:
        say(f"  next        {deepdlt} doctor, {deepdlt} export TARGET")


def what_to_type() -> str:
    """Return what to type for ``deepdlt`` here: its name where the path leads to it, else the path of the program."""
    own, found = Path(sys.executable).with_name("deepdlt"), shutil.which("deepdlt")
    if not own.exists() or (found and own.samefile(found)):
        return "deepdlt"
    return str(own.relative_to(Path.cwd()) if own.is_relative_to(Path.cwd()) else own)
