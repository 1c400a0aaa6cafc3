"""Commands that read the lake."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from deployments.errors import WrongUse


def sql(
    statement: Annotated[str, typer.Argument(help="One statement that reads.")],
    form: Annotated[
        Literal["table", "csv", "json", "parquet"], typer.Option("--format", help="How the rows are written.")
    ] = "table",
    output: Annotated[Path | None, typer.Option(help="File to write; needed for parquet.")] = None,
) -> None:
    """Ask the lake in SQL; nothing can be changed.

    \b
    deepdlt sql "FROM fold_summary"
    deepdlt sql "SELECT label, label_value, mean_loss FROM label_difficulty" --format csv
    deepdlt sql "FROM patch_metrics" --format parquet --output patches.parquet
    """  # noqa: D301
    from deployments.tables import render, write
    from lake import Lake

    if form == "parquet" and output is None:
        raise WrongUse("--format parquet needs a file: add --output FILE.parquet")
    found = Lake.open(is_read_only=True).query_rows(statement)
    if output is None:
        typer.echo(render(form, found.columns, found.rows))
    else:
        write(form, found.columns, found.rows, output)
        typer.echo(f"{len(found.rows)} rows in {output}")


def tables() -> None:
    """List the tables and views of the lake, and what each is for."""
    from deployments.tables import render_table
    from lake import Lake

    found = Lake.open(is_read_only=True).tables()
    typer.echo(render_table(found.columns, found.rows()))


def attach() -> None:
    """Print the lines that open the lake in the stock `duckdb` client.

    \b
    duckdb -cmd "$(deepdlt attach)"
    """  # noqa: D301
    from lake import attach_statements

    typer.echo("\n".join(attach_statements()))


def export(
    target: Annotated[Path, typer.Argument(help="Folder to write; a former export there is replaced.")],
    source: Annotated[Path | None, typer.Option(help="Which source; the one ingested last unless told.")] = None,
    scheme: Annotated[Literal["paper", "grouped"], typer.Option(help="How the folds are drawn.")] = "paper",
    labels: Annotated[str | None, typer.Option(help="Labels to write folds for; all unless told.")] = None,
    folds: Annotated[int, typer.Option(help="Folds of each label.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of the folds.")] = 0,
) -> None:
    """Write patches and manifests as the report's code has them.

    \b
    deepdlt export exports/report
    """  # noqa: D301
    from deployments.night import split_list
    from deployments.settings import keep_prefect_here

    keep_prefect_here()
    from tasks.export import export_source

    export_source(target, source=source, scheme=scheme, labels=split_list(labels), n_folds=folds, seed=seed)
    typer.echo(f"Written: {target}")
