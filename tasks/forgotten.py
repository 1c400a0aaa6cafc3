"""Images that were forgotten and still lie in their source: an ingest leaves them out, and says so."""

from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from lake import Transaction
from lake.statements import load

if TYPE_CHECKING:
    from deepdlt.source.survey import Survey

RULE = "forgotten"
MESSAGE = "The image was taken out of the lake by `deepdlt forget`."
REMEDY = "Take the file out; or let it come back: `deepdlt forget --take-back {}`."


def without_forgotten(transaction: Transaction, found: "Survey") -> "Survey":
    """Return a survey in which forgotten images are rejected.

    Parameters
    ----------
    transaction : Transaction
        The one that writes what was found: what is forgotten before it begins is left out.
    found : Survey
    """
    gone = transaction.query(load("forgotten_images")).select("image_id")
    here = found.sources.join(gone, on="image_id", how="semi")
    if here.is_empty():
        return found
    said = here.select(
        "path",
        pl.col("file_digest").alias("digest"),
        pl.lit(RULE).alias("rule"),
        pl.col("image_id").alias("value"),
        pl.lit(MESSAGE).alias("message"),
        pl.format(REMEDY, "image_id").alias("remedy"),
    )
    return replace(
        found,
        images=found.images.join(gone, on="image_id", how="anti"),
        sources=found.sources.join(gone, on="image_id", how="anti"),
        labels=found.labels.join(gone, on="image_id", how="anti"),
        rejected=pl.concat([found.rejected, said.select(found.rejected.columns)]).sort("path"),
        warnings=found.warnings.join(said, on=["path", "digest"], how="anti"),
    )
