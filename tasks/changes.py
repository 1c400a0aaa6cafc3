"""Is a source still the one that the lake knows? Asked before an ingest writes anything."""

import polars as pl

from deepdlt.errors import DeepdltError
from lake import Lake
from lake.statements import load

MAX_CHANGED_SHARE = 0.25
"""Share of the known label rows that may be gone or say something else before a night wants to be told so."""

N_EXAMPLES = 3


class SourceChanged(DeepdltError):
    """More of the known rows of a source are gone, or changed, than a night takes in unasked."""

    def __init__(self, source: str, *, n_known: int, gone: list[str], changed: list[str]) -> None:
        self.source = source
        self.n_known = n_known
        self.gone = tuple(gone)
        self.changed = tuple(changed)
        super().__init__(
            f"{len(gone)} of the {n_known} labelled images that the lake knows of {source} are gone (their file or "
            f"their row){_examples(gone)}, and {len(changed)} have other labels{_examples(changed)}: more than "
            f"{MAX_CHANGED_SHARE:.0%}. Nothing was touched. Put the sheet or the files back; or, if that is meant, "
            "run again with accept_changes=true (--accept-changes)"
        )


def refuse_changes(lake: Lake, source: str, labels: pl.DataFrame, files: pl.DataFrame) -> None:
    """Raise where a survey found too little of what the lake knows of a source.

    An image whose file has the bytes that it had is still there, though it may be decoded to other pixels today.

    Parameters
    ----------
    lake : Lake
    source : str
        Source folder, as the lake names it.
    labels : polars.DataFrame
        Its labels as they stand now: image_id, row_digest.
    files : polars.DataFrame
        Its usable files as they are now: file_digest, image_id.

    Raises
    ------
    SourceChanged
        If more than `MAX_CHANGED_SHARE` of the known images have lost their row or file, or have other labels.
    """
    known = lake.query(load("labels_of_source"), [source]).select("image_id", "name", "row_digest")
    now = labels.select(pl.col("image_id").alias("id_now"), pl.col("row_digest").alias("digest_now"))
    decoded = lake.query(load("labelled_files_of_source"), [source]).join(
        files.select("file_digest", pl.col("image_id").alias("id_now")).unique(), on="file_digest"
    )
    renamed = decoded.unique("image_id", keep="first", maintain_order=True).select("image_id", "id_now")
    compared = (
        known.join(renamed, on="image_id", how="left")
        .with_columns(pl.coalesce("id_now", "image_id").alias("id_now"))
        .join(now, on="id_now", how="left")
        .sort("name")
    )
    gone = compared.filter(pl.col("digest_now").is_null())["name"].to_list()
    changed = compared.filter(pl.col("digest_now") != pl.col("row_digest"))["name"].to_list()
    if len(gone) + len(changed) > MAX_CHANGED_SHARE * known.height:
        raise SourceChanged(source, n_known=known.height, gone=gone, changed=changed)


def _examples(names: list[str]) -> str:
    """Return a few of the names, in brackets."""
    if not names:
        return ""
    more = ", ..." if len(names) > N_EXAMPLES else ""
    return f" ({', '.join(names[:N_EXAMPLES])}{more})"
