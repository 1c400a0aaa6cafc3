"""The command line ``deepdlt``.

Nothing heavy is imported before a command needs it: ``deepdlt --help`` answers in a moment.
Exit codes: 0 good, 1 the work failed, 2 wrong use, 130 interrupted.
"""

import os
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from deepdlt.errors import DeepdltError
from deployments.errors import ParametersRefused, WrongUse
from lake.errors import LakeError, StatementRefused
from tasks.drawing.errors import PictureUnknown, PlotRefused

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
WRONG = (WrongUse, ParametersRefused, StatementRefused, PictureUnknown, PlotRefused)


class CommandGroup(TyperGroup):
    """Turns errors that were meant into one line and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; ``--debug`` lets errors through with their traceback."""
        try:
            return super().invoke(ctx)
        except (DeepdltError, LakeError) as error:
            if ctx.params.get("debug"):
                raise
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(WRONG_USE if isinstance(error, WRONG) else FAILED) from error
        except KeyboardInterrupt as error:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(INTERRUPTED) from error
        except BrokenPipeError as error:  # `deepdlt sql ... | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from error


app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


@app.callback()
def main(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """SEM images in, per-label reconstruction metrics out.

    \b
    deepdlt retrain                      a night on synthetic images
    deepdlt retrain --source ../images   a night on your own
    deepdlt sql "FROM fold_summary"      read what it found
    """  # noqa: D301 - \b keeps the lines as they are


@app.command()
def retrain(
    source: Annotated[str | None, typer.Option(help="Folder with SEM images and one label sheet.")] = None,
    sheet: Annotated[str | None, typer.Option(help="The label sheet, where the folder holds several.")] = None,
    profile: Annotated[str | None, typer.Option(help="quick, paper, or auto: paper where CUDA is.")] = None,
    preset: Annotated[str | None, typer.Option(help="Named training; label-cv unless told.")] = None,
    labels: Annotated[str | None, typer.Option(help="Labels to stratify by, as 'NP PP1'.")] = None,
    schemes: Annotated[str | None, typer.Option(help="paper, grouped, condition, leave-one-level-out.")] = None,
    models: Annotated[str | None, typer.Option(help="ae, vae, residual, or several, as 'ae vae'.")] = None,
    folds: Annotated[int | None, typer.Option(help="Folds of each label and scheme.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Epochs of every training.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of folds and trainings.")] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds of trainings, as '0 1 2': each is done with each.")] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting in place of the preset's.")
    ] = None,
) -> None:
    """Run one night to its end and print its fold metrics.

    Starts the local stack and registers the deployments where needed. What is done already is not done again;
    Ctrl-C cancels the run, and the next one goes on from there.

    \b
    deepdlt retrain
    deepdlt retrain --source ../images --labels "NP PP1" --folds 3
    deepdlt retrain --profile paper --epochs 10
    deepdlt retrain --preset matched-vae --set beta=4 --set latent_dim=32 --seeds "0 1 2"
    deepdlt retrain --preset tuned --set 'loss={"mse": 1, "ssim": 0.1}'
    """  # noqa: D301
    from deployments.night import night_parameters, run_night

    parameters = night_parameters(
        source=source,
        labels=labels,
        schemes=schemes,
        models=models,
        sheet=sheet,
        profile=profile,
        preset=preset,
        folds=folds,
        epochs=epochs,
        seed=seed,
        seeds=seeds,
        settings=settings,
    )
    raise typer.Exit(run_night(parameters, typer.echo).exit_code)


@app.command()
def up() -> None:
    """Start the server and workers that do not run yet.

    They stay, and later nights use them; `deepdlt down` ends them.

    With PREFECT_API_URL set no server is started, only workers for that one.
    """
    from deployments.server_api import ServerApi
    from deployments.stack import up as start_stack

    state = start_stack(typer.echo)
    typer.echo(f"The stack is up: {ServerApi(str(state.api_url)).ui_url}")


@app.command()
def down() -> None:
    """Stop what `up` started, and nothing else.

    Runs that are under way are cancelled.
    """
    from deployments.stack import down as stop_stack

    stop_stack(typer.echo)


@app.command()
def status() -> None:
    """Say which parts of the local stack run.

    The exit code is 1 where one does not.
    """
    from deployments.stack import status as look

    parts = look()
    for part in parts:
        typer.echo(f"{part.name:<12} {'up  ' if part.is_running else 'down'}  {part.detail}")
    raise typer.Exit(0 if all(part.is_running for part in parts) else FAILED)


@app.command()
def deploy(
    force: Annotated[bool, typer.Option("--force", help="Register also what is registered as it is.")] = False,
) -> None:
    """Register the deployments with the server.

    With the local one, which is started where needed, or with that of PREFECT_API_URL.
    """
    from deployments.deploy import deploy as register
    from deployments.server_api import ServerApi
    from deployments.stack import find_server

    state = find_server(typer.echo)
    is_changed = register(state, typer.echo, is_forced=force)
    done = "registered at" if is_changed else "as declared already at"
    typer.echo(f"The deployments are {done} {ServerApi(str(state.api_url)).ui_url}/deployments")


@app.command()
def ingest(
    source: Annotated[Path, typer.Argument(help="Folder with SEM images and one label sheet.")],
    sheet: Annotated[Path | None, typer.Option(help="The label sheet, where the folder holds several.")] = None,
) -> None:
    """Take what is new in a folder into the lake.

    No server is needed, and nothing is trained.

    \b
    deepdlt ingest ../images
    """  # noqa: D301
    if not source.is_dir():
        raise WrongUse(f"{source} is no folder")
    from deployments.settings import keep_prefect_here

    keep_prefect_here()
    from tasks.ingest import ingest_source

    record = ingest_source(source, sheet=sheet)
    for name, value in record.items():
        typer.echo(f"{name:<14} {value}")


@app.command()
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
    deepdlt sql "SELECT label, avg(mse) FROM label_metrics GROUP BY label" --format csv
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


@app.command()
def tables() -> None:
    """List the tables and views of the lake, and what each is for."""
    from deployments.tables import render_table
    from lake import Lake

    found = Lake.open(is_read_only=True).tables()
    typer.echo(render_table(found.columns, found.rows()))


@app.command()
def report(
    night: Annotated[int | None, typer.Option(help="Number of the night; the newest unless told.", min=0)] = None,
    is_open: Annotated[bool, typer.Option("--open", help="Open the page in the browser.")] = False,
) -> None:
    """Write a night's page anew from the lake, and print where it is.

    The index of nights beside it is written, too. No server is needed, and nothing is trained.

    \b
    deepdlt report --open
    deepdlt report --night 7
    """  # noqa: D301
    from deployments.settings import keep_prefect_here
    from lake import Lake

    Lake.open(is_read_only=True).close()  # a lake that is not there is not made
    keep_prefect_here()
    from tasks.page import write_page

    page = write_page(night)
    typer.echo(page)
    if is_open:
        import webbrowser

        webbrowser.open(page.as_uri())


@app.command()
def attach() -> None:
    """Print the lines that open the lake in the stock `duckdb` client.

    \b
    duckdb -cmd "$(deepdlt attach)"
    """  # noqa: D301
    from lake import attach_statements

    typer.echo("\n".join(attach_statements()))


@app.command()
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


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="Folder of the backup; into an old one only what is new is copied.")],
) -> None:
    """Copy the lake, also while a night is writing.

    \b
    deepdlt backup ../backups/lake
    """  # noqa: D301
    from deployments.counting import counter
    from lake import Lake
    from lake.backup import back_up

    done = back_up(Lake.open(), target, on_file=counter("copied"))
    typer.echo(f"{done.n_files} files, {done.n_bytes:,} bytes are in {target}; {done.n_copied} were copied now")


@app.command()
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
    from lake.backup import restore as put_back
    from lake.location import locate

    place = locate(target).root
    done = put_back(source, place, on_file=counter("restored"))
    typer.echo(f"{done.n_files} files, {done.n_bytes:,} bytes are in {place}")


@app.command()
def plot(
    name: Annotated[str | None, typer.Argument(help="Which picture; without it, all are listed.")] = None,
    run: Annotated[str | None, typer.Option(help="Id of a run, or the beginning of it.")] = None,
    night: Annotated[int | None, typer.Option(help="Number of a night; the newest unless told.")] = None,
    label: Annotated[str | None, typer.Option(help="Label to show, or whose folds to show.")] = None,
    out: Annotated[Path | None, typer.Option(help="PNG file to write; NAME.png here unless told.")] = None,
) -> None:
    """Draw a picture again from the lake.

    Of a run, or of the first run of a night that it fits: the newest night unless told.

    \b
    deepdlt plot
    deepdlt plot difficulty
    deepdlt plot latents-umap --label NP --out np.png
    deepdlt plot reconstructions --run 3f9a
    """  # noqa: D301
    from deployments.plot import draw, list_pictures

    if name is None:
        if any(option is not None for option in (run, night, label, out)):
            raise WrongUse("the options of `deepdlt plot` need the name of a picture")
        typer.echo(list_pictures())
        return
    typer.echo(draw(name, run=run, night=night, label=label, out=out))


@app.command()
def synth(
    target: Annotated[Path, typer.Argument(help="Folder to make or to extend.")],
    images: Annotated[int, typer.Option(help="Images to have.", min=1)] = 24,
    seed: Annotated[int, typer.Option(help="The same seed gives the same images.", min=0)] = 0,
) -> None:
    """Write synthetic SEM images and their label sheet.

    \b
    deepdlt synth synthetic --images 48
    """  # noqa: D301
    from deepdlt.synthetic.synth import write_synthetic

    write_synthetic(target, n_images=images, seed=seed)
    typer.echo(f"{images} images and their sheet are in {target}")


@app.command()
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


if __name__ == "__main__":
    app()
