"""Take what is new in a source folder into the lake."""

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
from prefect import task
from prefect.cache_policies import NO_CACHE

from deepdlt.digest import digest_json
from deepdlt.errors import DeepdltError
from deepdlt.provenance import code_digest, library_versions
from deepdlt.source.faults import Remark
from deepdlt.source.files import list_inputs
from deepdlt.source.fingerprint import Listing, fingerprint_folder
from deepdlt.source.stillness import STILL_S, unsettled_files
from lake import Lake, Transaction
from lake.statements import load
from tasks.caching import ContentKey
from tasks.changes import refuse_changes
from tasks.dependence import depends_on_code
from tasks.forgotten import without_forgotten
from tasks.lake_access import open_lake
from tasks.records import IngestRecord, SourceRecord
from tasks.sheet import sheet_spec

if TYPE_CHECKING:
    from deepdlt.source.survey import KnownImage, Survey

logger = logging.getLogger(__name__)

INGEST_MODULES = ("deepdlt.source.survey",)
INGEST_LIBRARIES = ("fastexcel", "numpy", "pillow", "polars")
INGEST_WORK = ("tasks.changes", "tasks.forgotten")
DECODING_MODULES = ("deepdlt.source.images",)
DECODING_LIBRARIES = ("numpy", "pillow")
SQL_TYPES: Mapping[type[pl.DataType], str] = {pl.Float64: "DOUBLE", pl.Int64: "BIGINT", pl.String: "VARCHAR"}
MAX_STILL_S = 3600
FAULT_KEY = ("path", "digest", "rule")


class StillnessUnclear(DeepdltError):
    """For how long a file must not have changed is no number of seconds."""

    def __init__(self, asked: str) -> None:
        self.asked = asked
        super().__init__(f"DEEPDLT_STILL_S is {asked!r}: give seconds from 0 to {MAX_STILL_S}, e.g. {STILL_S}")


def ingest_source(
    source: Path,
    *,
    sheet: Path | None = None,
    accept_changes: bool = False,
    again: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> IngestRecord:
    """Survey a folder and bring the lake to what stands in it now.

    Parameters
    ----------
    source : Path
        Folder with images and a label sheet; only read.
    sheet : Path, optional
        The label sheet, where the folder holds several.
    accept_changes : bool
        Whether any number of known rows may be gone or changed.
    again : bool
        Decode every image, those that the lake knows, too.
    on_progress : callable, optional
        Called with files done and files in all.

    Returns
    -------
    IngestRecord

    Raises
    ------
    NoImages, SheetMissing, SheetAmbiguous, SheetColumnsMissing, SheetEmpty, SheetBeingWritten, SourceVanished
        If the folder as a whole cannot be used. A bad file or row only lands in `rejected`.
    SourceChanged
        If too much of what the lake knows of it is gone or changed.
    """
    from deepdlt.source.survey import survey  # what decodes images is imported where there are some to decode
    from tasks.cutting import EARLY

    source = source.resolve()
    lake = open_lake()
    is_ours = source.is_relative_to(lake.root)  # synthetic images, written before they are looked for
    unsettled = unsettled_files(list_inputs(source, sheet=sheet), still_s=0 if is_ours else _still_s())
    listed = Listing(source, sheet=sheet)
    decoder = decoder_digest()
    found = survey(
        source,
        spec=sheet_spec(),
        known={} if again else _known_images(lake, decoder),
        sheet=sheet,
        unsettled=unsettled,
        on_progress=on_progress,
        on_decoded=EARLY.offer,
    )
    found = replace(found, images=_unknown_of(lake, found.images))
    if not accept_changes:
        refuse_changes(lake, str(source), found.labels, found.sources)
    waiting = {path.relative_to(source).as_posix(): "being written" for path in unsettled}
    digests = dict(found.sources.select("path", "file_digest").iter_rows()) | waiting
    seen = listed.fingerprint(digests, within_reach=found.within_reach)
    state_key = ingest_state_key(seen.digest, sheet)
    with lake.write(f"ingest {source}") as transaction:
        found = without_forgotten(transaction, found)  # also what was forgotten while it was surveyed
        record = IngestRecord(
            source=str(source),
            state_key=state_key,
            fingerprint=seen.digest,
            n_images=found.labels.height,
            n_new_images=found.images.height,
            n_rejected=found.rejected.height,
            n_warnings=found.warnings.height,
            n_waiting=len(unsettled),
        )
        _store(transaction, found, record, decoder)
    return record


def _still_s() -> float:
    """Return for how many seconds a file must not have changed.

    Raises
    ------
    StillnessUnclear
        If the environment names no number of seconds.
    """
    asked = os.environ.get("DEEPDLT_STILL_S") or str(STILL_S)
    try:
        still_s = float(asked)
    except ValueError:
        raise StillnessUnclear(asked) from None
    if not 0 <= still_s <= MAX_STILL_S:
        raise StillnessUnclear(asked)
    return still_s


def ingest_state_key(fingerprint: str, sheet: Path | None) -> str:
    """Return the digest of all that an ingest depends on: folder, declaration of the sheet, code, libraries."""
    declared, versions = sheet_spec().model_dump(mode="json"), library_versions(INGEST_LIBRARIES)
    return digest_json([fingerprint, str(sheet or ""), declared, code_digest(*INGEST_MODULES), versions])


def decoder_digest() -> str:
    """Return the digest of what makes pixels of a file: code and libraries; a file is known only under the same."""
    return digest_json(depends_on_code(DECODING_MODULES, libraries=DECODING_LIBRARIES))


def _known_images(lake: Lake, decoder: str) -> "dict[str, KnownImage]":
    """Return the images that need no decoding, by the digest of their file, with what decoding said of them."""
    from deepdlt.source.images import DECODING_RULES
    from deepdlt.source.survey import KnownImage

    remarks: dict[str, list[Remark]] = {}
    for digest, *remark in lake.query(load("remarks_that_stand")).iter_rows():
        if remark[0] in DECODING_RULES:
            remarks.setdefault(digest, []).append(Remark(*remark))
    rows = lake.query(load("known_images"), [decoder]).iter_rows()
    return {
        digest: KnownImage(image_id, height_px, width_px, remarks=tuple(remarks.get(digest, ())))
        for digest, image_id, height_px, width_px in rows
    }


def _unknown_of(lake: Lake, images: pl.DataFrame) -> pl.DataFrame:
    """Return the images whose content the lake does not hold."""
    held = lake.query("SELECT image_id FROM images") if images.height else images
    return images.join(held, on="image_id", how="anti")


def _store(transaction: Transaction, found: "Survey", record: IngestRecord, decoder: str) -> None:
    """Write one survey: new images, all of the source's rows, what is rejected now and what no longer is."""
    now = datetime.now(UTC)
    source = record["source"]
    here = pl.lit(source).alias("source")
    transaction.replace("images", found.images.with_columns(ingested_at=pl.lit(now)), key=("image_id",))
    sources = found.sources.with_columns(here, pl.lit(True).alias("is_present"), pl.lit(decoder).alias("decoder"))
    transaction.execute(load("mark_sources_absent"), [source])
    transaction.replace("sources", sources, key=("source", "path"))
    transaction.ensure_columns("labels", _label_columns(found.labels))
    transaction.replace_where("labels", found.labels.with_columns(here), source=source)
    for table, faults in (("rejected", found.rejected), ("warnings", found.warnings)):
        before = transaction.query(load(f"{table}_of_source"), [source])
        transaction.replace_where(table, _merge_faults(before, faults.with_columns(here), now), source=source)
    counts = {name: record[name] for name in ("n_images", "n_new_images", "n_rejected", "n_warnings")}
    row = {"source": source, "state_key": record["state_key"], **counts, "ingested_at": now}
    transaction.replace("ingests", pl.DataFrame([row]), key=("source",))


def _label_columns(labels: pl.DataFrame) -> dict[str, str]:
    """Return the SQL types of the columns that the sheet's declaration brings."""
    return {name: SQL_TYPES[type(dtype)] for name, dtype in labels.schema.items() if type(dtype) in SQL_TYPES}


def _merge_faults(before: pl.DataFrame, now_standing: pl.DataFrame, now: datetime) -> pl.DataFrame:
    """Close the faults that are gone, keep those that stand since when they stood, add the new ones."""
    standing = now_standing.unique(FAULT_KEY, keep="first", maintain_order=True)
    gone = before.join(standing, on=FAULT_KEY, how="anti").with_columns(
        closed_at=pl.coalesce("closed_at", pl.lit(now, dtype=before.schema["closed_at"]))
    )
    since = before.filter(pl.col("closed_at").is_null()).select(*FAULT_KEY, "seen_at")
    kept = standing.join(since, on=FAULT_KEY, how="left").with_columns(
        seen_at=pl.coalesce("seen_at", pl.lit(now, dtype=before.schema["seen_at"])),
        closed_at=pl.lit(None, dtype=before.schema["closed_at"]),
    )
    return pl.concat([gone, kept.select(before.columns)])


@task(name="find source", cache_policy=NO_CACHE, retries=0, timeout_seconds=600)
def find_source(source: str | None, sheet: str | None) -> SourceRecord:
    """Digest the files of the source folder; without one, make synthetic SEM images in the lake and take those."""
    folder = source or os.environ.get("DEEPDLT_SOURCE")
    if not folder:
        from deepdlt.synthetic.synth import write_synthetic

        folder = str(open_lake().root / "synthetic")
        made = write_synthetic(Path(folder))
        logger.info("no source folder given: %d synthetic SEM images in %s", made.n_images, folder)
    seen = fingerprint_folder(Path(folder), sheet=Path(sheet) if sheet else None)
    return SourceRecord(
        source=str(Path(folder).resolve()),
        sheet=sheet or "",
        fingerprint=seen.digest,
        n_files=seen.n_files,
        declaration=digest_json(sheet_spec().model_dump(mode="json")),
    )


@task(
    name="ingest images",
    cache_policy=ContentKey(modules=INGEST_MODULES, work=INGEST_WORK, libraries=INGEST_LIBRARIES),
    persist_result=True,
    result_serializer="json",
    retries=1,
    retry_delay_seconds=2,
    timeout_seconds=3600,
)
def ingest_images(folder: SourceRecord, accept_changes: bool = False, again: bool = False) -> IngestRecord:
    """Take new images, changed labels and bad input of one folder into the lake."""
    sheet = Path(folder["sheet"]) if folder["sheet"] else None
    source = Path(folder["source"])
    record = ingest_source(source, sheet=sheet, accept_changes=accept_changes, again=again, on_progress=_log_progress)
    logger.info("%(n_images)d images, %(n_new_images)d new, %(n_rejected)d rejected, %(n_warnings)d warnings", record)
    return record


def ingest_stands(record: IngestRecord, folder: SourceRecord) -> bool:
    """Tell whether the lake's newest ingest of the source is the record's, and took in all that the folder holds."""
    rows = open_lake().query(load("ingest_of_source"), [record["source"]])
    is_newest = rows.height == 1 and rows.item(0, "state_key") == record["state_key"]
    return is_newest and not record.get("n_waiting") and record["fingerprint"] == folder["fingerprint"]


def _log_progress(done: int, of: int) -> None:
    """Say every hundred files how far the survey is."""
    if done % 100 == 0 or done == of:
        logger.info("surveyed %d of %d files", done, of)
