"""The best model of each preset: judged at the end of a night, shown, and set back by hand."""

import logging
import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from deepdlt.config import TrainingSettings
from deepdlt.errors import DeepdltError
from deepdlt.night import HOLDOUT
from lake import Lake, Transaction
from lake.statements import load
from tasks.lake_access import open_lake

if TYPE_CHECKING:
    from deepdlt.analysis.champion import Evidence, Labels, Verdict

logger = logging.getLogger(__name__)

SAFE = ("grouped", HOLDOUT)
"""Schemes with no image on two sides, that a champion is judged by."""

BASELINES = {
    "flat patch": "flat_mse",
    "PCA-8": "pca_8_mse",
    "PCA-32": "pca_32_mse",
    "PCA-128": "pca_128_mse",
    "PCA-512": "pca_512_mse",
}
"""Column of each baseline, by its name in `deepdlt.analysis.champion`."""

Row = dict[str, Any]


class JudgingFailed(DeepdltError):
    """Trainings of some presets could not be judged; the others were."""

    def __init__(self, failures: dict[str, str]) -> None:
        self.failures = failures
        told = "; ".join(f"{preset}: {reason}" for preset, reason in failures.items())
        super().__init__(f"not judged, the next night tries again: {told}")


class ChampionUnknown(DeepdltError):
    """A preset has no champion, or no former one, to go back to."""

    def __init__(self, preset: str, what: str) -> None:
        self.preset = preset
        super().__init__(f"preset {preset!r} {what}: `deepdlt champion` lists those there are")


@task(name="judge champions", cache_policy=NO_CACHE, retries=1, retry_delay_seconds=2, timeout_seconds=600)
def judge_champions(night_id: str) -> None:
    """Judge the trainings of a night against the champions that stand, where that was not done."""
    lake = open_lake()
    failures = {}
    for candidate in lake.query(load("champion_candidates"), [night_id]).iter_rows(named=True):
        try:
            judge_candidate(lake, candidate)
        except Exception as error:  # it is told, and the other presets are judged for all that
            logger.error("%s was not judged", candidate["preset"], exc_info=True)
            failures[candidate["preset"]] = f"{type(error).__name__}: {error}"
    if failures:
        raise JudgingFailed(failures)


def judge_candidate(lake: Lake, candidate: Row) -> bool:
    """Judge one preset's trainings and write the decision; say whether they are champion now.

    Parameters
    ----------
    lake : Lake
    candidate : dict
        A row of the statement ``champion_candidates``.
    """
    from deepdlt.analysis.champion import Verdict

    runs = lake.query(load("evidence_of_group"), {"group_id": candidate["group_id"]})
    ours = _evidence(lake, runs)
    refusal = _refusal(candidate, runs)
    verdict = Verdict(False, refusal) if refusal else _verdict(lake, candidate, runs, ours)
    logger.info(
        "%s: %s, %s", candidate["preset"], "champion" if verdict.is_promoted else "not champion", verdict.reason
    )
    named = {name: candidate[name] for name in ("source", "preset", "group_id", "night_sequence")}
    shared = named | {"mse": ours.mean if ours.errors else None, "n_images": len(ours.errors), "reason": verdict.reason}
    with lake.write(f"champion of {candidate['preset']}") as transaction:
        decided = {
            name: getattr(verdict, name) for name in ("is_promoted", "difference", "ci_low", "ci_high", "n_common")
        }
        decision = shared | decided | {name: candidate[name] for name in ("scheme", "champion_group_id")}
        row = pl.DataFrame([decision | {"decided_at": datetime.now(UTC)}], infer_schema_length=None)
        transaction.replace("champion_decisions", row, key=("source", "group_id", "champion_group_id"))
        if verdict.is_promoted:
            best = runs.sort("val_mse", "run_id", nulls_last=True).row(0, named=True)
            model = {"run_id": best["run_id"], "snapshot_id": best["snapshot_id"], "psnr_db": runs["psnr_db"].mean()}
            _crown(transaction, shared | model | {"how": "promoted"})
    return verdict.is_promoted


def roll_back(lake: Lake, preset: str, *, source: str | None = None, reason: str = "") -> Row:
    """Make the former champion of a preset champion again.

    Promotions put a champion upon the former one, a rollback takes one off: two in a row go back two.

    Parameters
    ----------
    lake : Lake
    preset : str
    source : str, optional
        Where several sources have a champion of that preset.
    reason : str
        For the record.

    Returns
    -------
    dict
        The row of the champion that stands now.

    Raises
    ------
    ChampionUnknown
        If there is no former champion, its file is gone, or the source is not clear.
    """
    changes = lake.query(load("champion_history"), [preset])
    if source is not None:
        changes = changes.filter(source=source)
    if changes["source"].n_unique() != 1:
        known = ", ".join(changes["source"].unique().sort())
        raise ChampionUnknown(preset, f"has champions of several sources, name one of {known}" if known else "has none")
    standing = stack(changes.rows(named=True))
    if len(standing) < 2:
        raise ChampionUnknown(preset, "has no former champion")
    former = standing[-2]
    path = lake.query(load("best_checkpoint_of_run"), [former["run_id"]])
    if path.is_empty() or not lake.files.sizes([path.item()]):
        raise ChampionUnknown(preset, f"cannot go back: the model of run {former['run_id']} is gone")
    kept = {name: former[name] for name in former if name not in ("sequence", "since")}
    newest = lake.query(load("nights")).item(0, "sequence")
    said = reason or f"set back from run {standing[-1]['run_id']} by hand"
    with lake.write(f"rollback of {preset}") as transaction:
        return _crown(transaction, kept | {"how": "rolled back", "reason": said, "night_sequence": newest})


def stack(changes: Sequence[Row]) -> list[Row]:
    """Return the champions that stand upon each other, the present one last.

    Parameters
    ----------
    changes : sequence of dict
        Rows of the table `champions`, of one source and preset, in their order.
    """
    standing: list[Row] = []
    for change in changes:
        if change["how"] == "promoted":
            standing.append(change)
            continue
        while standing and standing[-1]["group_id"] != change["group_id"]:  # one that was forgotten is not there to go
            standing.pop()
    return standing


def _crown(transaction: Transaction, champion: Row) -> Row:
    """Write a change of champion with the next number."""
    number = transaction.query(load("next_champion_sequence")).item()
    row = champion | {"sequence": number, "since": datetime.now(UTC)}
    transaction.replace("champions", pl.DataFrame([row]), key=("sequence",))
    return row


def _refusal(candidate: Row, runs: pl.DataFrame) -> str:
    """Return why trainings cannot be judged at all; '' where they can."""
    if candidate["was_champion"]:
        return "it was champion before: `deepdlt rollback` makes it so again"
    if candidate["scheme"] not in SAFE:
        return f"it was tested on {candidate['scheme']} folds alone: grouped folds or the 80/10/10 split are asked for"
    wanted = candidate["n_planned"] or runs.unique(["label", "seed"])["n_folds"].sum()
    if runs.is_empty():
        return "none of its trainings stands complete"
    if runs.height < wanted:
        return f"{wanted - runs.height} of its {wanted} trainings are missing"
    return ""


def _verdict(lake: Lake, candidate: Row, runs: pl.DataFrame, ours: "Evidence") -> "Verdict":
    """Ask the rule."""
    from deepdlt.analysis.champion import Verdict, judge

    before = candidate["champion_group_id"]
    champion = _evidence(lake, lake.query(load("evidence_of_group"), {"group_id": before})) if before else None
    if champion is not None and not champion.errors:
        return Verdict(False, "the champion's trainings do not stand complete: train them again, or `deepdlt rollback`")
    return judge(ours, champion, _labels(lake, runs.item(0, "dataset_id")))


def _evidence(lake: Lake, runs: pl.DataFrame) -> "Evidence":
    """Return what the lake knows of the trainings of a group."""
    from deepdlt.analysis.champion import Evidence

    if runs.is_empty():
        return Evidence(errors={}, mse=math.nan, baselines={}, n_code=None)
    patches = lake.query(load("test_errors_of_runs"), [runs["run_id"].to_list()])
    images = patches.group_by("image_id").agg(pl.col("loss").mean()).sort("image_id")
    measured = {name: column for name, column in BASELINES.items() if not runs[column].null_count()}
    settings = TrainingSettings.model_validate_json(runs.item(0, "settings"))
    return Evidence(
        errors=dict(images.iter_rows()),
        mse=_mean(runs["mse"]),
        baselines={name: _mean(runs[column]) for name, column in measured.items()},
        n_code=settings.n_code,
    )


def _mean(values: pl.Series) -> float:
    """Return a mean that is not a number where there is none."""
    return float(values.to_numpy().mean())


def _labels(lake: Lake, dataset_id: str) -> "Labels":
    """Return the labels of a data set's source: label to image to value."""
    from tasks.label_means import texts_of

    return texts_of(lake.query(load("labels_of_dataset"), [dataset_id]))
