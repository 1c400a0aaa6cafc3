"""The command line: what it imports, says and returns."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from stacks import SUPPORT, RunningStack
from typer.testing import CliRunner, Result

from deployments.cli import app
from lake import Lake, LakeError

COMMANDS = [
    "retrain",
    "up",
    "down",
    "status",
    "server",
    "worker",
    "deploy",
    "ingest",
    "sql",
    "tables",
    "report",
    "why",
    "attach",
    "export",
    "backup",
    "restore",
    "reproduce",
    "forget",
    "maintain",
    "champion",
    "rollback",
    "plot",
    "synth",
    "watch",
    "doctor",
]
HEAVY = {"torch", "prefect", "polars", "duckdb", "numpy", "pydantic", "httpx", "rich", "PIL", "matplotlib", "pyarrow"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an empty lake."""
    root = tmp_path_factory.mktemp("cli") / "lake"
    Lake.open(root).close()
    return root


def deepdlt(*arguments: str, lake: Path) -> Result:
    """Run the command line in this process, on a lake."""
    return CliRunner().invoke(app, list(arguments), env={"DEEPDLT_LAKE": str(lake)})


def test_the_help_imports_nothing_heavy() -> None:
    """Counted in modules, not seconds: none of the large packages, and no more than a few hundred in all."""
    code = (
        "import sys\n"
        "from typer.testing import CliRunner\n"
        "from deployments.cli import app\n"
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    modules = done.stdout.split()
    assert HEAVY.isdisjoint(modules)
    assert len(modules) < 350


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_listed_and_explained(command: str) -> None:
    """`--help` names it in a line that is not cut off, and its own help says more than its name."""
    runner = CliRunner()
    listed = [line for line in runner.invoke(app, ["--help"]).output.splitlines() if line.startswith(f"  {command} ")]
    assert len(listed) == 1
    assert not listed[0].endswith("...")
    assert len(runner.invoke(app, [command, "--help"]).output.splitlines()) > 4


def test_the_list_of_commands_here_is_whole() -> None:
    """A new command is tested too."""
    assert sorted(str(command.name or command.callback.__name__) for command in app.registered_commands) == sorted(
        COMMANDS
    )


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["nope"], id="unknown command"),
        pytest.param(["sql"], id="argument missing"),
        pytest.param(["sql", "SELECT 1", "--format", "xml"], id="unknown format"),
        pytest.param(["sql", "SELECT 1", "--format", "parquet"], id="parquet without a file"),
        pytest.param(["sql", "DROP TABLE images"], id="a statement that writes"),
        pytest.param(["ingest", "/nowhere"], id="a source that is no folder"),
        pytest.param(["synth", "x", "--images", "0"], id="an option out of range"),
        pytest.param(["retrain", "--folds", "many"], id="text for a number"),
        pytest.param(["server", "--port", "0"], id="a port that is none"),
        pytest.param(["worker", "tpu"], id="a pool that is none"),
        pytest.param(["backup", ""], id="a folder without a name"),
    ],
)
def test_wrong_use_gives_2(lake: Path, arguments: list[str]) -> None:
    """And one clear message, no traceback."""
    done = deepdlt(*arguments, lake=lake)
    assert done.exit_code == 2, done.stderr
    assert done.stderr
    assert isinstance(done.exception, SystemExit)


def test_a_failure_is_one_line_and_1(tmp_path: Path) -> None:
    """The message says what to do; with --debug the error itself comes through."""
    done = deepdlt("sql", "SELECT 1", lake=tmp_path / "nowhere")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: no lake at")
    assert len(done.stderr.splitlines()) == 1
    assert isinstance(deepdlt("--debug", "sql", "SELECT 1", lake=tmp_path / "nowhere").exception, LakeError)


@pytest.mark.parametrize(
    "arguments",
    [["backup", "copy"], ["forget", "1-1.png", "--yes"], ["forget", "1-1.png", "--take-back"]],
    ids=["backup", "forget", "take back"],
)
def test_a_lake_that_is_not_there_is_not_made(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong DEEPDLT_LAKE is said, and not taken for an empty lake."""
    monkeypatch.chdir(tmp_path)
    done = deepdlt(*arguments, lake=tmp_path / "nowhere")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: no lake at")
    assert list(tmp_path.iterdir()) == []


def test_a_lake_of_no_known_form_is_one_line_and_1() -> None:
    """Not a traceback; what may be a password in it is not repeated."""
    done = CliRunner().invoke(app, ["sql", "SELECT 1"], env={"DEEPDLT_LAKE": "s3://me:secret@lab/results"})
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: a lake is a folder, postgres://")
    assert (len(done.stderr.splitlines()), "secret" in done.stderr) == (1, False)


def test_sql_answers_in_each_form(lake: Path, tmp_path: Path) -> None:
    """Table, CSV, JSON on the terminal or in a file; Parquet in a file."""
    ask = ["sql", "SELECT 7 AS n, 'NP' AS label"]
    assert "(1 row)" in deepdlt(*ask, lake=lake).stdout
    assert deepdlt(*ask, "--format", "csv", lake=lake).stdout == "n,label\n7,NP\n"
    answer = deepdlt(*ask, "--format", "json", lake=lake).stdout
    assert json.loads(answer) == [{"n": 7, "label": "NP"}]
    target = tmp_path / "rows.parquet"
    done = deepdlt(*ask, "--format", "parquet", "--output", str(target), lake=lake)
    assert (done.exit_code, target.exists()) == (0, True)


def test_attach_opens_the_lake_in_the_stock_client(lake: Path) -> None:
    """The printed lines, given to the real `duckdb`, reach the tables."""
    lines = deepdlt("attach", lake=lake).stdout
    duckdb = Path(sys.executable).with_name("duckdb")
    asked = [str(duckdb), "-csv", "-c", f"{lines} SELECT count(*) AS n FROM runs"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split()[0] == "n"


def test_tables_names_what_there_is(lake: Path) -> None:
    """Tables and views with their purpose."""
    said = deepdlt("tables", lake=lake).stdout
    assert "fold_metrics" in said
    assert "fold_summary" in said


def test_backup_and_restore_make_the_same_lake_elsewhere(lake: Path, tmp_path: Path) -> None:
    """Two commands take a lake to another place; a third one is told why it is refused."""
    assert deepdlt("backup", str(tmp_path / "copy"), lake=lake).exit_code == 0
    done = deepdlt("restore", str(tmp_path / "copy"), lake=tmp_path / "new")
    assert (done.exit_code, "files" in done.output) == (0, True)
    assert deepdlt("sql", "FROM migrations", lake=tmp_path / "new").output == (
        deepdlt("sql", "FROM migrations", lake=lake).output
    )
    again = deepdlt("restore", str(tmp_path / "copy"), lake=tmp_path / "new")
    assert (again.exit_code, "move that one away" in again.output) == (1, True)


def test_synth_writes_images_and_their_sheet(tmp_path: Path) -> None:
    """As many as asked for."""
    done = CliRunner().invoke(app, ["synth", str(tmp_path / "images"), "--images", "1"])
    assert done.exit_code == 0, done.output
    assert len(list((tmp_path / "images").rglob("*.png"))) + len(list((tmp_path / "images").rglob("*.bmp"))) >= 1


def test_the_doctor_looks_at_everything(lab: RunningStack) -> None:
    """On a stack that runs: versions, disk, server, workers, pools are well; a lake that is not there is a warning."""
    done = lab.cli("doctor", check=False, DEEPDLT_PREFECT_YAML=str(SUPPORT / "lab.yaml"), DEEPDLT_LAKE="/nowhere")
    lines = {line.split()[1]: line.split()[0] for line in done.stdout.splitlines()}
    for name in ("python", "packages", "cuda", "disk", "server", "worker-cpu", "worker-gpu"):
        assert lines[name] == "ok", done.stdout
    assert lines["lake"] in {"warn", "fail"}
    assert "make retrain" in done.stdout
