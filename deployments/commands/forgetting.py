"""The command that takes a wrong input out of the lake."""

from typing import Annotated

import typer


def forget(
    what: Annotated[
        list[str],
        typer.Argument(help="Images: id or its beginning, path, file name, name in the sheet; or a source folder."),
    ],
    is_meant: Annotated[bool, typer.Option("--yes", help="Do it; else it is only said what would go.")] = False,
    is_back: Annotated[
        bool, typer.Option("--take-back", help="Let forgotten images come back with the next night.")
    ] = False,
) -> None:
    """Take images out of the lake, with all that was made of them.

    Patches, data sets, folds, trainings, metrics, models, answers, pictures, nights and their pages. The files in the
    source are not touched; an image that still lies there does not come back unless it is taken back.

    \b
    deepdlt forget 12-3.png
    deepdlt forget 12-3.png --yes
    deepdlt forget 12-3.png --take-back
    """  # noqa: D301
    from lake import Lake
    from tasks import forget as forgetting

    Lake.open(is_read_only=True).close()  # a lake that is not there is not made
    if is_back:
        names = forgetting.take_back(Lake.open(), what)
        typer.echo(f"the next night takes in again, where it finds it: {', '.join(names)}")
        return
    work = forgetting.forget if is_meant else forgetting.what_goes
    going = work(Lake.open(is_read_only=not is_meant), what)
    for source, path in going.files.select("source", "path").iter_rows():
        typer.echo(f"{path} of {source}")
    for table, n_rows in going.rows.items():
        typer.echo(f"{n_rows:>10,} rows of {table}")
    typer.echo(f"{len(going.paths):>10,} files and folders")
    typer.echo("gone" if is_meant else "nothing was changed: with --yes, this goes")
