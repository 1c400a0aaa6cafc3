"""Commands that keep the lake: copies of it, and proof that its numbers come out again."""

from pathlib import Path
from typing import Annotated

import typer

from deployments.errors import WrongUse
from deployments.exit_codes import FAILED


def backup(
    target: Annotated[Path, typer.Argument(help="Folder of the backup; into an old one only what is new is copied.")],
) -> None:
    """Copy the lake, also while a night is writing.

    \b
    deepdlt backup ../backups/lake
    """  # noqa: D301
    if target == Path():
        raise WrongUse("the folder of the backup has no name: give its path (the unit takes it from DEEPDLT_BACKUP)")
    from deployments.counting import counter
    from lake import Lake
    from lake.backup import back_up

    Lake.open(is_read_only=True).close()  # a lake that is not there is not made
    done = back_up(Lake.open(), target, on_file=counter("copied"))
    typer.echo(f"{done.n_files} files, {done.n_bytes:,} bytes are in {target}; {done.n_copied} were copied now")


def restore(
    source: Annotated[Path, typer.Argument(help="Folder of a backup.")],
    target: Annotated[
        Path | None, typer.Option("--to", help="Folder of the new lake; DEEPDLT_LAKE unless told.")
    ] = None,
) -> None:
    """Make a lake from a backup; every file is checked.

    \b
    deepdlt restore ../backups/lake
    """  # noqa: D301
    from deployments.counting import counter
    from lake.backup import refuse_elsewhere
    from lake.backup import restore as put_back
    from lake.location import locate

    location = locate(target)
    refuse_elsewhere(location)
    place = location.root
    done = put_back(source, place, on_file=counter("restored"))
    typer.echo(f"{done.n_files} files, {done.n_bytes:,} bytes are in {place}")


def reproduce(
    run: Annotated[str, typer.Argument(help="Id of a run, or the beginning of it.")],
) -> None:
    """Train a run again and compare every number with what stands.

    From the data and the settings of then; the lake is not changed. The exit code is 0 where all is equal to the last
    bit, and 1 where it is not: then it says what differs and how far the numbers are apart.

    \b
    deepdlt sql "SELECT run_id, preset, label, fold FROM runs"
    deepdlt reproduce 3f9a
    """  # noqa: D301
    from deployments.reproduce import reproduce_run

    raise typer.Exit(0 if reproduce_run(run, typer.echo) else FAILED)


def maintain(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done, and how many bytes.")
    ] = False,
    keep_days: Annotated[
        float, typer.Option(help="Age of snapshots that nothing pins, of checkpoints and of results.", min=0)
    ] = 30.0,
    grace_hours: Annotated[float, typer.Option(help="Age of files that nothing refers to.", min=0)] = 24.0,
    page_days: Annotated[float, typer.Option(help="Age of pages of older nights.", min=0)] = 365.0,
    run_days: Annotated[float, typer.Option(help="Age of Prefect's records of runs that ended.", min=0)] = 90.0,
    export_days: Annotated[float | None, typer.Option(help="Age of exports; they stay unless told.", min=0)] = None,
) -> None:
    """Remove what is old and what nothing refers to.

    Small files are merged. What a row, a pinned snapshot or a champion needs stays. The deployment maintain/weekly
    does all this every Sunday.

    \b
    deepdlt maintain --dry-run
    """  # noqa: D301
    from deployments.upkeep import run_upkeep

    run_upkeep(
        typer.echo,
        keep_days=keep_days,
        grace_hours=grace_hours,
        page_days=page_days,
        run_days=run_days,
        export_days=export_days,
        dry_run=dry_run,
    )
