"""What a split separates is noted once, with the split."""

from typing import Any

import pytest
from sources import Source

from deepdlt.config import PatchRecipe
from deepdlt.night import SplitRecord
from lake import Lake
from tasks.audit import splits_without_audit, store_audit
from tasks.ingest import ingest_source
from tasks.prepare import assign_missing, cut_missing, freeze

SCHEMES: list[Any] = ["paper", "grouped", "condition", "leave-one-level-out"]


@pytest.fixture
def splits(lake: Lake, source: Source) -> list[SplitRecord]:  # the lake that tasks open
    """The 80/10/10 split and folds of every scheme, by angle, of twelve images."""
    folder = ingest_source(source.folder)["source"]
    recipe = PatchRecipe(n_per_image=4)
    cut_missing(folder, recipe)
    dataset = freeze(folder, recipe, patches_per_image=4)
    return assign_missing(folder, dataset, patches_per_image=4, labels=["angle"], schemes=SCHEMES, n_folds=3, seed=0)


def test_a_split_is_audited_once(splits: list[SplitRecord], lake: Lake, source: Source) -> None:
    """What lacks an audit is found; done again, the lake holds the same rows."""
    records, folder = [split.model_dump() for split in splits], str(source.folder)
    assert splits_without_audit(folder, records) == records
    for split in splits:
        store_audit(lake, str(source.folder), split)
    assert splits_without_audit(folder, records) == []
    before = lake.query("FROM split_audit")
    store_audit(lake, str(source.folder), splits[0])
    assert lake.query("FROM split_audit").equals(before)
    assert before.select("split_id", "fold", "side").is_unique().all()


def test_a_corrected_label_is_audited_again(splits: list[SplitRecord], lake: Lake, source: Source) -> None:
    """A new number of pulses moves the shares of a side, though folds by angle stay as they are."""
    (split,) = [split for split in splits if split.scheme == "paper"]
    store_audit(lake, str(source.folder), split)
    source.set_cell(0, "NP", 77)
    ingest_source(source.folder)
    assert splits_without_audit(str(source.folder), [split.model_dump()]) == [split.model_dump()]
    store_audit(lake, str(source.folder), split)
    shares = "SELECT count(*) FROM split_label_shares WHERE label = 'NP' AND label_value = '77' AND split_id = ?"
    assert lake.query(shares, [split.split_id]).item() == 3 * 3  # folds and sides


def test_the_shares_of_each_side_add_up_to_one(splits: list[SplitRecord], lake: Lake, source: Source) -> None:
    """Every value of every label, on the training side and on the held-out one."""
    for split in splits:
        store_audit(lake, str(source.folder), split)
    sums = lake.query(
        "SELECT sum(train_share) AS train, sum(share) AS held FROM split_label_shares"
        " GROUP BY split_id, fold, side, label"
    )
    assert sums.height > 100
    assert sums["train"].to_list() == pytest.approx([1.0] * sums.height)
    assert sums["held"].to_list() == pytest.approx([1.0] * sums.height)


def test_each_scheme_keeps_apart_what_it_says(splits: list[SplitRecord], lake: Lake, source: Source) -> None:
    """No image is shared but under scheme paper; no condition by those that deal conditions."""
    for split in splits:
        store_audit(lake, str(source.folder), split)
    shared = lake.query(
        "SELECT scheme, sum(n_shared_images) AS images, sum(n_shared_conditions) AS conditions,"
        " max(n_overlapping_patches) AS overlapping FROM split_audit WHERE side = 'test' GROUP BY scheme"
    )
    by_scheme = {row["scheme"]: row for row in shared.iter_rows(named=True)}
    assert by_scheme["paper"]["images"] > 0
    assert [by_scheme[scheme]["images"] for scheme in ("grouped", "condition", "holdout")] == [0, 0, 0]
    assert by_scheme["condition"]["conditions"] == 0
    assert by_scheme["grouped"]["overlapping"] == 0


def test_leaving_levels_out_has_a_fold_for_each_level(splits: list[SplitRecord], lake: Lake) -> None:
    """Whatever number of folds was asked for; each fold tests one value of the label."""
    (split,) = [split for split in splits if split.scheme == "leave-one-level-out"]
    tested = lake.query(
        "SELECT fold, count(DISTINCT angle_deg) AS n FROM folds JOIN labels USING (image_id)"
        " WHERE split_id = ? AND split = 'test' GROUP BY fold",
        [split.split_id],
    )
    assert split.n_folds == tested.height == lake.query("SELECT count(DISTINCT angle_deg) FROM labels").item()
    assert tested["n"].unique().to_list() == [1]
