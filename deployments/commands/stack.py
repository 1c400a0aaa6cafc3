"""Commands for the server and the workers."""

from pathlib import Path
from typing import Annotated

import typer

from deployments.errors import WrongUse
from deployments.exit_codes import FAILED


def up() -> None:
    """Start the server and workers that do not run yet.

    They stay, and later nights use them; `deepdlt down` ends them.

    With PREFECT_API_URL set no server is started, only workers for that one.
    """
    from deployments.server_api import ServerApi
    from deployments.settings import what_nights_take
    from deployments.stack import up as start_stack

    state = start_stack(typer.echo)
    typer.echo(f"The stack is up: {ServerApi(str(state.api_url)).ui_url}; {what_nights_take(state.variables)}")


def down() -> None:
    """Stop what `up` started, and nothing else.

    Runs that are under way are cancelled.
    """
    from deployments.stack import down as stop_stack

    stop_stack(typer.echo)


def status() -> None:
    """Say which parts of the local stack run.

    The exit code is 1 where one does not.
    """
    from deployments.stack import status as look

    parts = look()
    for part in parts:
        typer.echo(f"{part.name:<12} {'up  ' if part.is_running else 'down'}  {part.detail}")
    raise typer.Exit(0 if all(part.is_running for part in parts) else FAILED)


def server(
    host: Annotated[str, typer.Option(help="Address to listen on; others than this machine's need a password.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(help="Port of that address.", min=1, max=65535)] = 4200,
) -> None:
    """Run the Prefect server here, until it is stopped.

    For a unit of systemd or a container. `deepdlt up` starts one in the background.

    \b
    PREFECT_SERVER_API_AUTH_STRING=me:secret deepdlt server --host 0.0.0.0
    """  # noqa: D301
    from deployments.foreground import become_server

    become_server(host, port, typer.echo)


def worker(
    pool: Annotated[str, typer.Argument(help="cpu: nights; gpu: trainings.")],
) -> None:
    """Run a worker of a pool here, until it is stopped.

    For the server in PREFECT_API_URL; for a unit of systemd or a container. `deepdlt up` starts both in the background.

    \b
    PREFECT_API_URL=http://127.0.0.1:4200/api deepdlt worker gpu
    """  # noqa: D301
    from deployments.foreground import become_worker

    become_worker(pool, typer.echo)


def deploy(
    force: Annotated[bool, typer.Option("--force", help="Register also what is registered as it is.")] = False,
    wait: Annotated[float, typer.Option(help="Seconds to wait for a server elsewhere that is starting.", min=0)] = 0.0,
) -> None:
    """Register the deployments with the server.

    With the local one, which is started where needed, or with that of PREFECT_API_URL.
    """
    from deployments.deploy import deploy as register
    from deployments.foreground import wait_for
    from deployments.server_api import ServerApi
    from deployments.settings import external_api_url
    from deployments.stack import find_server

    if wait and (named := external_api_url()):
        wait_for(named, typer.echo, limit_s=wait)
    state = find_server(typer.echo)
    is_changed = register(state, typer.echo, is_forced=force)
    done = "registered at" if is_changed else "as declared already at"
    typer.echo(f"The deployments are {done} {ServerApi(str(state.api_url)).ui_url}/deployments")


def doctor() -> None:
    """Look at everything a night needs, and say what to do.

    The exit code is 1 where something fails.
    """
    from deployments.doctor import examine

    has_failed = False
    for check in examine():
        has_failed |= check.level == "fail"
        remedy = f"  -> {check.remedy}" if check.remedy else ""
        typer.echo(f"{check.level:<5} {check.name:<12} {check.text}{remedy}")
    raise typer.Exit(FAILED if has_failed else 0)


def watch(
    source: Annotated[Path, typer.Argument(help="Folder with SEM images and one label sheet.")],
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.1)] = 30.0,
    still: Annotated[float, typer.Option(help="Seconds for which nothing may have changed.", min=0)] = 60.0,
) -> None:
    """Start a night whenever new images have landed in a folder.

    It looks until it is interrupted.

    \b
    deepdlt watch ../images
    """  # noqa: D301
    if not source.is_dir():
        raise WrongUse(f"{source} is no folder")
    from deployments.deploy import deploy as register
    from deployments.server_api import ServerApi
    from deployments.stack import find_workers
    from deployments.watching import watch as look

    state = find_workers(typer.echo)
    register(state, typer.echo)
    api = ServerApi(str(state.api_url))
    typer.echo(f"watching {source}; Ctrl-C ends this")
    look(source, api, typer.echo, every_s=every, still_s=still)
