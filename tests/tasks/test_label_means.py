"""Means by label value are those of the run's patches, and follow the labels."""

from typing import Any

import polars as pl
import pytest
from planted import PlantedLake

from lake.statements import load
from tasks.label_means import renew_label_means


def harder(planted: PlantedLake) -> str:
    """Return a pattern of several that the first fold by angle tests."""
    test = planted.lake.query(load("patches_of_fold"), [planted.split("grouped", "angle").split_id, 1]).filter(
        split="test"
    )
    tested = planted.labels.join(test, on="image_id", how="semi")["pattern"].unique().sort()
    assert len(tested) > 1
    return str(tested[0])


def put_run(planted: PlantedLake, *, flat: float = 1.0) -> dict[str, Any]:
    """Put a run into the lake: images of one tested pattern have error 0.5, all others 0.1."""
    run = planted.run("run", planted.split("grouped", "angle"), seed=3)
    rows = planted.labels.select("image_id", "pattern").rows()
    worse = harder(planted)
    errors = {image: 0.5 if pattern == worse else 0.1 for image, pattern in rows}
    planted.night([run], errors={"run": errors}, flat=flat)
    return run


def means(planted: PlantedLake) -> pl.DataFrame:
    """Return what stands of the run's patterns."""
    return planted.lake.query("SELECT * FROM label_metrics WHERE label = 'PP1' ORDER BY label_value")


def test_each_value_has_the_mean_of_its_patches(planted: PlantedLake) -> None:
    """With the floor and flat patch of those patches, and how many there are."""
    put_run(planted)
    renew_label_means(planted.lake, "run", planted.labels, seed=3)
    scored = planted.lake.query("FROM patch_metrics").join(planted.labels, on="image_id")
    expected = scored.group_by(label_value="pattern").agg(pl.col("mse").mean(), n_patches=pl.len()).sort("label_value")
    found = means(planted)
    assert found["label_value"].to_list() == expected["label_value"].to_list()
    assert found["mse"].to_list() == pytest.approx(expected["mse"].to_list())
    assert found["n_patches"].to_list() == expected["n_patches"].to_list()
    assert set(found.select("floor_mse", "flat_mse", "is_below_flat").rows()) == {(0.0, 1.0, False)}


def test_a_value_that_is_worse_than_flat_is_marked(planted: PlantedLake) -> None:
    """A flat patch of 0.3 lies between the errors: the worse pattern is marked, the others are not."""
    put_run(planted, flat=0.3)
    renew_label_means(planted.lake, "run", planted.labels, seed=3)
    marked = dict(means(planted).select("label_value", "is_below_flat").rows())
    assert marked.pop(harder(planted)) is True
    assert set(marked.values()) == {False}
    shown = planted.lake.query("FROM label_summary").filter(label="PP1")
    assert set(shown.filter(label_value=harder(planted))["mark"]) == {"worse than flat"}
    assert set(shown.filter(pl.col("label_value") != harder(planted))["mark"]) == {""}


def test_renewed_means_are_those_of_the_corrected_labels(planted: PlantedLake) -> None:
    """Values that no image has any more are gone."""
    put_run(planted)
    renew_label_means(planted.lake, "run", planted.labels, seed=3)
    corrected = planted.labels.with_columns(pattern=pl.lit("H"))
    renew_label_means(planted.lake, "run", corrected, seed=3)
    (row,) = means(planted).iter_rows(named=True)
    assert row["label_value"] == "H"
    assert row["mse"] == pytest.approx(planted.lake.query("SELECT avg(mse) FROM patch_metrics").item())
