"""Sections about a night itself: what was new, what ran and why, what the report printed, on what it ran."""

import json
from collections.abc import Mapping
from typing import Any

import polars as pl

from deepdlt.page.champions import looks, looks_sentence
from deepdlt.page.numbers import show_number
from deepdlt.page.parts import Frames, Section, frame_of, section
from deepdlt.page.quality_words import NONE_HERE
from deepdlt.page.reasons import DIGITS, group_trainings, run_sentence
from deepdlt.page.steps import step_table
from deepdlt.page.tables import Table, make_table
from deepdlt.page.words import count

CROSS_TABLES = {
    "3": "Table 3 of the report, folds by angle",
    "4": "Table 4, folds by EP1",
    "5": "Table 5, folds by NP",
    "6": "Table 6, folds by PP1",
}
SINGLE_TABLES = {"2": "Table 2, experiment 2", "plot": "What the report shows in plots"}
METRICS = {"loss": "loss", "psnr_paper_db": "PSNR (report), dB", "ssim_paper": "SSIM (report)"}


def new(night: Mapping[str, Any], frames: Frames) -> Section:
    """Return what the source brought, and what is wrong with it."""
    images = frame_of(frames, "new_images")
    rejected = make_table(
        frame_of(frames, "rejected"),
        ("path", "rule", "value", "message", "remedy"),
        "Rejected, and what to do about it",
    )
    remarks = make_table(
        frame_of(frames, "remarks"),
        ("rule", "n_rows", "path", "value", "message", "remedy"),
        "Remarks on what was accepted",
        note="Of each rule the first file or row.",
        is_folded=True,
    )
    brought = make_table(
        images, ("path", "width_px", "height_px", "file_format", "source_mode"), "New images", is_folded=True
    )
    sentence = f"Source: {night['source']}."
    if not night["n_new_images"] and not night["n_rejected"]:
        sentence += " It brought nothing new, and nothing was rejected."
    sentences = [sentence, *looks_sentence(frames)]
    return section("new", "What was new", [rejected, looks(frames), brought, remarks], sentences)


def ran(night: Mapping[str, Any], frames: Frames) -> Section:
    """Return what was trained, reused or failed, and why."""
    trainings = frame_of(frames, "trainings")
    runs = make_table(
        group_trainings(trainings),
        ("preset", "scheme", "labels", "outcome", "n_runs", "reason", "epochs", "n_parameters", "seconds"),
        "Trainings of the night",
    )
    steps = make_table(
        step_table(frame_of(frames, "steps")), ("step", "outcome", "reason"), "Steps before and after the trainings"
    )
    errors = frame_of(frames, "failed")
    failed = make_table(errors, (*("preset", "scheme", "label"), "fold", "seed", "error"), "Failed")
    tables = [failed, _tried_again(trainings), runs, steps]
    sentence = run_sentence(trainings, n_failed=night["n_failed"], n_errors=errors.height)
    return section("ran", "What ran, and why", tables, [sentence])


def _tried_again(trainings: pl.DataFrame) -> Table | None:
    """Return the trainings that stand by their second try, with what ended the first."""
    if trainings.is_empty():
        return None
    again = trainings.filter(pl.col("diverged") != "")
    return make_table(
        again, (*("preset", "scheme", "label"), "fold", "seed", "diverged"), "Diverged, and tried again at a lower rate"
    )


def paper(frames: Frames, *, nothing: str = "") -> Section:
    """Return the report's tables with ours beside each number; where there are none, say `nothing`."""
    beside = frame_of(frames, "paper")
    title = "Published against here"
    if beside.is_empty() or beside["here"].null_count() == beside.height:
        return section("paper", title, [], nothing=nothing or NONE_HERE)
    tables = [_averages(beside)]
    for number, caption in CROSS_TABLES.items():
        tables.append(_cross_table(beside.filter(pl.col("paper_table") == number), caption))
    for number, caption in SINGLE_TABLES.items():
        tables.append(_single_table(beside.filter(pl.col("paper_table") == number), caption))
    sentence = (
        "Each training of the report on these images, on its own folds and targets, as this night or an earlier one of "
        "this source found it: profile paper before quick, whole before in part, then the newest. An average stands "
        "where all of the report’s folds do. Losses are per patch on [-1, 1]."
    )
    return section("paper", title, tables, [sentence])


def _averages(beside: pl.DataFrame) -> Table | None:
    """Return the averages of Tables 3 to 6, what the report answers its question with."""
    found = beside.filter(pl.col("paper_row") == "average", pl.col("split") == "test", pl.col("here").is_not_null())
    return make_table(
        found,
        ("label", "published", "here", "difference", "floor_mse", "flat_mse", "profile", "epochs", "sequence"),
        "Average test loss, Tables 3 to 6",
    )


def _cross_table(rows: pl.DataFrame, caption: str) -> Table | None:
    """Return a table of the report by folds; None where nothing of it was found here."""
    if rows["here"].null_count() == rows.height:
        return None
    wide = rows.pivot(on="split", index="paper_row", values=["published", "here"], maintain_order=True)
    known = rows.filter(pl.col("split") == "test").select(
        "paper_row", "floor_mse", "flat_mse", "mark", "profile", "epochs", "sequence"
    )
    pairs = [f"{what}_{split}" for split in ("train", "val", "test") for what in ("published", "here")]
    return make_table(
        wide.join(known, on="paper_row", how="left", maintain_order="left"),
        ("paper_row", *pairs, "floor_mse", "flat_mse", "profile", "epochs", "sequence"),
        caption,
        note="Floor and flat are those of the test patches here.",
        is_folded=True,
    )


def _single_table(rows: pl.DataFrame, caption: str) -> Table | None:
    """Return what the report printed of single trainings; None where nothing of it was found here."""
    if rows["here"].null_count() == rows.height:
        return None
    named = rows.with_columns(what=pl.format("{} {}", pl.col("split"), pl.col("metric").replace(METRICS)))
    return make_table(
        named.filter(pl.col("here").is_not_null()),
        ("preset", "what", "published", "here", "difference", "floor_mse", "flat_mse", "profile", "epochs", "sequence"),
        caption,
        is_folded=True,
    )


def provenance(night: Mapping[str, Any], frames: Frames) -> Section:
    """Return code, libraries, hardware and data behind the numbers."""
    found = frame_of(frames, "provenance")
    if not found.is_empty():
        found = found.with_columns(
            libraries=pl.col("versions").map_elements(_libraries, return_dtype=pl.String),
            code_digest=pl.col("code_digest").str.slice(0, DIGITS),
        )
    table = make_table(
        found,
        ("hardware", "device", "libraries", "code_digest", "seeds", "n_runs", "seconds"),
        "Hardware, libraries and code behind the trainings",
    )
    sentences = [*_data(night, frame_of(frames, "dataset")), _times(night)]
    return section(
        "provenance", "Versions and hardware", [table], sentences, nothing="No training stands behind this page."
    )


def _libraries(versions: str) -> str:
    """Return a run's versions, a JSON object, as a list for people."""
    return ", ".join(f"{name} {version}" for name, version in json.loads(versions).items())


def _data(night: Mapping[str, Any], dataset: pl.DataFrame) -> list[str]:
    """Say what the data set is made of."""
    if dataset.is_empty():
        return [f"Data set {night['dataset_id']}."]
    row = dataset.row(0, named=True)
    said = f"{count(row['n_patches'], 'patch', 'patches')} of {count(row['n_images'], 'image')}"
    cut = ""
    if row["size_px"] is not None:
        gains = f"{show_number(row['gain_low'], decimals=1)} to {show_number(row['gain_high'], decimals=1)}"
        cut = f", {row['size_px']} × {row['size_px']} px, brightness × {gains}, seed {row['recipe_seed']}"
    return [f"Data set {night['dataset_id']}: {said}{cut}; read at snapshot {row['snapshot_id']} of the lake."]


def _times(night: Mapping[str, Any]) -> str:
    """Say when the night was, and what it is called elsewhere."""
    start, end = (f"{night[name]:%Y-%m-%d %H:%M:%S %Z}" for name in ("started_at", "finished_at"))
    return f"Started {start}, trained until {end}; flow run {night['night_id']}."
