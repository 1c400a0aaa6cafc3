"""Commands for the best model of each preset."""

from typing import Annotated

import typer


def champion(
    preset: Annotated[str | None, typer.Argument(help="A preset: its history and every decision.")] = None,
) -> None:
    """Say which models are the best of their preset, and why.

    With a preset, every change of its champion and every decision that made it or did not.

    \b
    deepdlt champion
    deepdlt champion tuned
    """  # noqa: D301
    from deployments.tables import render_table
    from lake import Lake
    from lake.statements import load

    lake = Lake.open(is_read_only=True)
    asked = (
        ("standing_champions", "newest_decisions") if preset is None else ("champion_changes", "decisions_of_preset")
    )
    for title, name in zip(("Champions", "Decisions"), asked, strict=True):
        found = lake.query_rows(load(name), [] if preset is None else [preset])
        typer.echo(f"{title}\n{render_table(found.columns, found.rows)}\n")


def rollback(
    preset: Annotated[str, typer.Argument(help="Preset whose former champion is to be champion again.")],
    source: Annotated[str | None, typer.Option(help="Source folder, where several have such a champion.")] = None,
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "",
) -> None:
    """Make the former champion of a preset champion again.

    What was set back is not promoted again by a later night. Done twice, it goes back two.

    \b
    deepdlt rollback tuned --reason "blurs fine lines"
    """  # noqa: D301
    from deployments.settings import keep_prefect_here
    from lake import Lake

    Lake.open(is_read_only=True).close()  # a lake that is not there is not made
    keep_prefect_here()
    from tasks.champions import roll_back

    row = roll_back(Lake.open(), preset, source=source, reason=reason)
    typer.echo(f"The champion of {preset} is run {row['run_id']} again")
