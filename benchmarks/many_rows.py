"""A lake with a million metric rows: 24 nights of forty runs, each with the metrics of its held-out patches."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from lake import Lake, Transaction

LABELS = ("angle", "PP1", "NP", "EP1")
N_FOLDS, N_NIGHTS, N_EPOCHS = 5, 24, 10
N_IMAGES, N_PATCHES = 208, 1040
"""Of each run: patches that are scored, and the images that they are of."""

BEGAN = datetime(2026, 1, 1, 2, tzinfo=UTC)
KINDS: dict[str, Any] = {"VARCHAR": "x", "JSON": "{}", "INTEGER": 1, "BIGINT": 1, "DOUBLE": 0.5, "BOOLEAN": False}


def fill_lake(folder: Path) -> int:
    """Make the lake in a new folder; return its number of rows in `patch_metrics`."""
    n_rows = 0
    with Lake.open(folder) as lake:
        for night in range(N_NIGHTS):
            with lake.write(f"night {night}") as transaction:
                for table, frame in _night(transaction, night):
                    _add(transaction, table, frame)
                    n_rows += frame.height if table == "patch_metrics" else 0
    return n_rows


def _night(transaction: Transaction, night: int) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield tables and rows of one night: forty runs, label by label, scheme by scheme, fold by fold."""
    started = BEGAN + timedelta(days=night)
    night_id = f"night-{night}"
    runs = [
        {"run_id": f"{night_id}-{scheme}-{label}-{fold}", "scheme": scheme, "label": label, "fold": fold}
        | {"preset": "label-cv", "model": "ae", "profile": "paper", "split_id": f"{scheme}-{label}", "seed": night}
        | {"n_folds": N_FOLDS}
        for scheme in ("paper", "grouped")
        for label in LABELS
        for fold in range(1, N_FOLDS + 1)
    ]
    times = {"started_at": started, "finished_at": started + timedelta(hours=1)}
    yield "nights", _whole(transaction, "nights", [{"night_id": night_id, "sequence": night + 1, **times}])
    yield (
        "night_runs",
        _whole(
            transaction,
            "night_runs",
            [{"night_id": night_id, "run_id": run["run_id"], "is_reused": False} for run in runs],
        ),
    )
    yield "runs", _whole(transaction, "runs", [run | times | {"status": "complete"} for run in runs])
    epochs = [{"run_id": run["run_id"], "epoch": epoch} for run in runs for epoch in range(1, N_EPOCHS + 1)]
    yield "epochs", _whole(transaction, "epochs", epochs)
    parts = [run | {"split": split} for run in runs for split in ("train", "val", "test")]
    yield "fold_metrics", _whole(transaction, "fold_metrics", parts)
    values = [
        {"run_id": run["run_id"], "label": label, "label_value": str(value), "split": split}
        for run in runs
        for label in LABELS
        for value in range(4)
        for split in ("val", "test")
    ]
    yield "label_metrics", _whole(transaction, "label_metrics", values)
    for run in runs:
        yield "patch_metrics", _patch_metrics(str(run["run_id"]), seed=night)


def _patch_metrics(run_id: str, *, seed: int) -> pl.DataFrame:
    """Return the metrics of one run's held-out patches."""
    draws = np.random.default_rng([seed, *run_id.encode()]).random((5, N_PATCHES))
    names = ("mse", "psnr_paper_db", "ssim_paper", "psnr_db", "ssim")
    rows = np.arange(N_PATCHES)
    return pl.DataFrame(dict(zip(names, draws, strict=True))).with_columns(
        run_id=pl.lit(run_id),
        patch_id=pl.Series([f"patch-{row}" for row in rows]),
        image_id=pl.Series([f"image-{row % N_IMAGES}" for row in rows]),
        split=pl.Series(np.where(rows % 2, "val", "test")),
    )


def _whole(transaction: Transaction, table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return rows with every column of their table: what is left out is a value of the column's type."""
    kinds = transaction.query(f"SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '{table}'")  # noqa: S608
    defaults = {name: KINDS.get(kind, BEGAN) for name, kind in kinds.rows()}
    return pl.DataFrame([defaults | {name: value for name, value in row.items() if name in defaults} for row in rows])


def _add(transaction: Transaction, table: str, frame: pl.DataFrame) -> None:
    """Put rows into a table that has none of their keys."""
    names = ("night_id", "run_id", "epoch", "split", "label", "label_value", "patch_id")
    key = [name for name in names if name in frame.columns]
    if table in ("runs", "fold_metrics"):
        key = [name for name in key if name in ("run_id", "split")]
    transaction.replace(table, frame, key)
