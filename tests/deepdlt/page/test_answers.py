"""The answers on top of the page never say more than their numbers."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepdlt.page.answers import answers_of
from deepdlt.page.difficulty_words import UNANSWERED, difficulty_sentences, main_group
from deepdlt.page.leakage_words import UNMEASURED, leakage_sentences
from deepdlt.page.probe_words import main_probes, probe_sentences
from deepdlt.page.quality_words import published_sentences, quality_sentences
from deepdlt.page.standing import Standing
from deepdlt.page.words import between, count, listed, training_words

NAN = float("nan")
NOTHING = Standing(pl.DataFrame())


def rows(*found: dict[str, Any], **default: Any) -> pl.DataFrame:
    """Return rows, filled up with defaults."""
    return pl.DataFrame([default | row for row in found], infer_schema_length=None)


def plain(sentences: list[str]) -> str:
    """Return sentences as one text with plain spaces."""
    return " ".join(sentences).replace("\N{NO-BREAK SPACE}", " ")


# Which label is harder.


def asked_of(*found: dict[str, Any]) -> pl.DataFrame:
    """Rows of the tests of labels."""
    default = {
        "preset": "m",
        "scheme": "grouped",
        "n_runs": 20,
        "n_tests": 2,
        "n_pairs": 3,
        "n_claimed": 0,
        "p_label": 0.5,
    }
    return rows(*found, **default)


def said(*found: tuple[str, str], preset: str = "m", scheme: str = "grouped") -> pl.DataFrame:
    """Rows of difficulty_answer: label and sentence."""
    return pl.DataFrame(
        [
            {"preset": preset, "scheme": scheme, "label": label, "place": place, "sentence": sentence}
            for place, (label, sentence) in enumerate(found)
        ]
    )


def test_a_claim_is_the_lakes_own_sentence_and_the_rest_is_counted() -> None:
    """The largest difference first; labels without a difference share a sentence."""
    asked = asked_of(
        {"label": "NP", "p_label": 0.01, "n_claimed": 3}, {"label": "angle", "p_label": 0.8}, {"label": "PP1"}
    )
    answers = said(("NP", "NP 500 is harder than NP 10."), ("NP", "NP 50 is harder than NP 10."), ("angle", "No."))
    text = plain(difficulty_sentences(asked, answers, pl.DataFrame(), NOTHING))
    assert "NP 500 is harder than NP 10. 2 more pairs of NP values can be told apart." in text
    assert "NP 50 is harder" not in text
    assert "No difference can be seen for angle (p = 0.8) and PP1 (p = 0.5), after Holm for 2 labels." in text
    assert "Asked of m, 20 trainings on folds over images." in text


@given(p=st.floats(0.0500001, 1.0), n_claimed=st.integers(0, 5))
def test_a_label_whose_test_is_not_passed_is_never_claimed(p: float, n_claimed: int) -> None:
    """Whatever sentences and pairs stand beside it."""
    asked = asked_of({"label": "NP", "p_label": p, "n_claimed": n_claimed})
    text = plain(difficulty_sentences(asked, said(("NP", "NP 500 is harder than NP 10.")), pl.DataFrame(), NOTHING))
    assert "harder" not in text
    assert "No difference can be seen for NP" in text


def test_a_label_that_cannot_be_tested_says_so() -> None:
    """Its p is missing, and the lake's sentence says why."""
    asked = asked_of({"label": "angle", "p_label": None}, {"label": "NP"})
    text = plain(difficulty_sentences(asked, said(("angle", "angle has one value only.")), pl.DataFrame(), NOTHING))
    assert "angle has one value only." in text


def test_the_safest_training_that_is_not_worse_than_flat_answers() -> None:
    """Scheme first, then the flat patch, then SSIM: never what it answers."""
    asked = asked_of(
        *(
            {"label": "NP", "preset": preset, "scheme": scheme}
            for preset in "abc"
            for scheme in ("paper", "grouped", "holdout")
        )
    )
    summary = rows(
        {"preset": "a", "ssim": 0.9, "n_below_flat": 1},
        {"preset": "b", "ssim": 0.2},
        {"preset": "c", "ssim": 0.3},
        scheme="grouped",
        label="NP",
        n_scored=5,
        n_below_flat=0,
    )
    assert main_group(asked, summary, Standing(summary)) == ("c", "grouped")
    unknown = pl.concat([summary, summary.tail(1).with_columns(preset=pl.lit("b"), ssim=pl.lit(float("nan")))])
    for each in (unknown, unknown.reverse()):
        assert main_group(asked, each, Standing(each)) == ("c", "grouped")
    assert main_group(asked, pl.DataFrame(), NOTHING) == ("a", "grouped")


def test_an_answer_from_a_model_worse_than_flat_says_so() -> None:
    """Where there is no better one."""
    summary = rows({"preset": "m", "scheme": "grouped", "label": "NP", "n_scored": 5, "n_below_flat": 5, "ssim": 0.1})
    text = plain(difficulty_sentences(asked_of({"label": "NP"}), said(), summary, Standing(summary)))
    assert "it is worse than flat, so read this with care" in text


def test_nothing_asked_is_no_answer() -> None:
    """Frames without rows, or that are not there at all."""
    assert difficulty_sentences(pl.DataFrame(), pl.DataFrame(), pl.DataFrame(), NOTHING) == [UNANSWERED]


# Does the code know the laser.


def probes(*found: dict[str, Any]) -> pl.DataFrame:
    """Rows of the view `probe`."""
    default = {
        "features": "latent",
        "preset": "vae",
        "probe": "logistic",
        "unit": "image",
        "metric": "balanced_accuracy",
        "score": 0.8,
        "null_mean": 0.3,
        "p_value": 0.01,
        "n_permutations": 99,
        "n_images": 20,
        "n_values": 3,
    }
    return rows(*found, **default)


def test_probes_are_corrected_by_holm_over_the_labels_of_a_code() -> None:
    """Closed form: .01 .04 .03 .5 become .04 .09 .09 .5; another code is another family."""
    found = probes(
        {"label": "a", "p_value": 0.01},
        {"label": "b", "p_value": 0.04},
        {"label": "c", "p_value": 0.03},
        {"label": "d", "p_value": 0.5},
        {"label": "a", "preset": "ae", "p_value": 0.02},
    )
    main = main_probes(found)
    assert main.filter(preset="vae").sort("label")["p_holm"].to_list() == pytest.approx([0.04, 0.09, 0.09, 0.5])
    assert main.filter(preset="ae")["p_holm"].to_list() == pytest.approx([0.02])
    assert main.filter("is_known")["label"].to_list() == ["a", "a"]


def test_a_code_that_tells_a_label_is_set_beside_principal_components() -> None:
    """Score, chance, correction and the best of PCA stand in the sentence."""
    found = probes(
        {"label": "PP1"},
        {"label": "PP1", "features": "pca_8", "preset": "", "score": 0.85},
        {"label": "PP1", "features": "pca_32", "preset": "", "score": 0.5},
    )
    assert plain(probe_sentences(found)) == (
        "The code of vae tells PP1 (balanced accuracy 0.800, by chance 0.300), p ≤ 0.05 after Holm for 1 label. "
        "Without a model: PCA-8 0.850 on PP1."
    )


@given(
    st.lists(
        st.tuples(
            st.floats(-1, 1),
            st.floats(-1, 1),
            st.one_of(st.floats(0.01, 1), st.just(NAN)),
            st.sampled_from([19, 99, 999]),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_only_what_passes_after_holm_and_beats_chance_is_told(found: list[tuple[float, float, float, int]]) -> None:
    """Whatever the numbers, a label is told exactly where its corrected p and its score allow it."""
    table = probes(
        *(
            {"label": f"label{place}", "score": score, "null_mean": null, "p_value": p, "n_permutations": n}
            for place, (score, null, p, n) in enumerate(found)
        )
    )
    told = [one for one in probe_sentences(table) if "vae tells" in one and "cannot" not in one]
    n_tests = sum(1 for *_, p, _ in found if p == p)
    for place, (score, null, p, _) in enumerate(found):
        if p != p or p * 1 > 0.05 or score <= null:
            assert not any(f"label{place} " in one for one in told)
        elif p * n_tests <= 0.05:
            assert any(f"label{place} " in one for one in told)


def test_too_few_shuffles_are_no_claim() -> None:
    """Better than every shuffle, and yet not enough of them for the number of labels."""
    found = probes(*({"label": label, "p_value": 0.05, "n_permutations": 19} for label in ("NP", "PP1")))
    text = plain(probe_sentences(found))
    assert "tells NP" not in text
    assert "does better than every one of 19 shuffles on NP" in text
    assert "too few of them for a claim after Holm for 2 labels" in text


def test_the_largest_p_of_several_seeds_counts() -> None:
    """Scores are averaged; a claim has to hold for each seed."""
    main = main_probes(probes({"label": "NP", "score": 0.6}, {"label": "NP", "score": 0.8, "p_value": 0.2}))
    assert main.select("score", "p_holm").rows() == [(pytest.approx(0.7), pytest.approx(0.2))]


def test_images_are_the_unit_where_there_are_any() -> None:
    """And other metrics and probes make no sentence."""
    found = probes({"label": "NP", "unit": "patch", "score": 0.9}, {"label": "NP"}, {"label": "NP", "probe": "knn"})
    assert main_probes(found)["score"].to_list() == [0.8]


@pytest.mark.parametrize(
    "found", [pl.DataFrame(), probes({"label": "NP", "features": "pca_8"})], ids=["none", "no code"]
)
def test_nothing_probed_is_no_answer(found: pl.DataFrame) -> None:
    """Also where only principal components were probed."""
    assert plain(probe_sentences(found)).startswith("No answer")


# Do the report's folds flatter.


def gaps(*found: dict[str, Any]) -> pl.DataFrame:
    """Rows of leakage_gap."""
    return rows(
        *found, preset="m", scheme="grouped", label="NP", loss_paper=0.2, gap=0.01, ci_low=0.005, ci_high=0.015, mark=""
    )


def test_a_gap_is_claimed_where_its_interval_excludes_zero() -> None:
    """Counted, with the largest and its share of the loss; those that go the other way are told, too."""
    found = gaps({}, {"gap": 0.02, "label": "EP1"}, {"ci_low": -0.1}, {"gap": -0.1, "ci_low": -0.2, "ci_high": -0.05})
    text = plain(leakage_sentences(pl.DataFrame(), found))
    assert "higher in 2 of 4 comparisons, and lower in 1" in text
    assert "at most by 0.0200 (0.0050 to 0.0150; 10 % of the loss), for m (grouped, EP1)" in text


@pytest.mark.parametrize(
    "row",
    [{"ci_low": -0.001}, {"ci_low": 0.0}, {"gap": -0.1, "ci_low": -0.2, "ci_high": -0.1}],
    ids=["zero inside", "zero at the end", "lower"],
)
def test_no_gap_is_claimed_otherwise(row: dict[str, Any]) -> None:
    """And what was not seen is not ruled out."""
    text = plain(leakage_sentences(pl.DataFrame(), gaps(row)))
    assert "higher in none of 1 comparison" in text
    assert "does not rule it out" in text


def test_an_interval_that_is_missing_is_not_judged() -> None:
    """One image has no spread."""
    found = gaps({"ci_low": None, "ci_high": None}, {"ci_low": NAN, "ci_high": NAN})
    assert "cannot be judged" in plain(leakage_sentences(pl.DataFrame(), found))
    assert leakage_sentences(pl.DataFrame(), pl.DataFrame()) == [UNMEASURED]


def audit(*found: dict[str, Any]) -> pl.DataFrame:
    """Rows of split_audit."""
    return rows(*found, side="held_out", n_images=10, n_shared_images=0, overlap_share=0.0)


def test_what_folds_share_is_said_by_scheme() -> None:
    """All only where it is all; schemes that share nothing are named."""
    found = audit(
        {"scheme": "paper", "n_shared_images": 10, "overlap_share": 0.998},
        {"scheme": "paper", "n_shared_images": 10, "overlap_share": 0.998},
        {"scheme": "grouped"},
        {"scheme": "paper", "side": "val"},
    )
    text = plain(leakage_sentences(found, pl.DataFrame()))
    assert "all of the held-out images are trained on, too, and 99 % of the held-out patches share pixels" in text
    assert "none on the schemes grouped" in text


def test_models_worse_than_flat_cannot_show_leakage() -> None:
    """They are named where gaps of theirs are compared."""
    text = plain(leakage_sentences(pl.DataFrame(), gaps({"mark": "both worse than flat"}, {"mark": None})))
    assert " 1 of these compare models that are worse than a flat patch." in text
    text = plain(leakage_sentences(pl.DataFrame(), gaps({"mark": "both worse than flat"})))
    assert "All of these compare models that are worse than a flat patch." in text


# How good, and does the report come out again.


def summaries(*found: dict[str, Any]) -> pl.DataFrame:
    """Rows of fold_summary."""
    return rows(*found, preset="m", scheme="holdout", label="none", n_scored=1, n_below_flat=0, ssim=0.5, psnr_db=20.0)


def test_the_best_training_stands_beside_flat_patch_and_pca() -> None:
    """Best by SSIM; its error is the mean over its folds of the test split."""
    summary = summaries({"preset": "a", "ssim": 0.6, "psnr_db": 21.5}, {"preset": "b"}, {"preset": "c", "ssim": NAN})
    folds = rows(
        {"mse": 0.004, "pca_128_mse": 0.003},
        {"mse": 0.006, "pca_128_mse": 0.005},
        {"mse": 9.0, "split": "val"},
        preset="a",
        scheme="holdout",
        label="none",
        split="test",
        flat_mse=0.02,
        pca_128_mse=9.0,
    )
    assert quality_sentences(summary, folds, Standing(summary)) == [
        "Best by SSIM is a: 0.600, PSNR 21.50 dB on test patches; MSE 0.0050, a flat patch 0.0200 and PCA-128 0.0040.",
        "None of 3 trainings is worse than a flat patch.",
    ]


def test_trainings_worse_than_flat_are_counted_and_named() -> None:
    """Also where nothing else is known of the night."""
    summary = summaries({"preset": "a", "n_below_flat": 1, "ssim": None}, {"preset": "b", "ssim": None})
    assert quality_sentences(summary, pl.DataFrame(), Standing(summary)) == [
        "1 of 2 trainings is worse than a flat grey patch: a."
    ]


def test_no_training_is_best_for_having_seen_its_test_images() -> None:
    """The report's folds count only where there are no others."""
    leaky = {"preset": "a", "scheme": "paper", "label": "NP", "ssim": 0.9}
    found = summaries(leaky, {"preset": "b", "ssim": 0.2})
    assert "Best by SSIM is b:" in plain(quality_sentences(found, pl.DataFrame(), NOTHING))
    assert "Best by SSIM is a (paper, NP):" in plain(quality_sentences(summaries(leaky), pl.DataFrame(), NOTHING))


def published(*found: dict[str, Any]) -> pl.DataFrame:
    """Rows of paper_vs_here: averages over folds."""
    return rows(
        *found,
        preset="label-cv",
        paper_row="average",
        split="test",
        label="NP",
        published=0.1838,
        here=0.19,
        floor_mse=0.17,
        flat_mse=0.109,
        profile="paper",
        epochs=10,
        sequence=3,
    )


def test_the_reports_averages_stand_beside_ours_and_their_floor() -> None:
    """With what was spent on ours."""
    found = published(
        {},
        {"label": "angle", "published": 0.1841, "here": 0.2},
        {"label": "EP1", "here": None},
        {"paper_row": "fold 1", "published": 0.9, "here": 0.9},
    )
    assert published_sentences(found) == [
        "Its average test loss by NP and angle is 0.1838 to 0.1841; here 0.1900 to 0.2000 (night 3, profile paper, 10 "
        "epochs). On these patches no model of its output range can be below 0.1700, and a flat patch gets 0.1090."
    ]


def test_a_report_that_was_not_repeated_is_not_answered_for() -> None:
    """Nothing trained, or something else of the report."""
    assert plain(published_sentences(published({"here": None}))).startswith("No answer")
    assert plain(published_sentences(pl.DataFrame())).startswith("No answer")
    assert "vae" in plain(published_sentences(published({"preset": "vae"})))


def test_synthetic_images_are_not_set_beside_the_report() -> None:
    """Whatever was trained on them."""
    (*_, answer) = answers_of({"paper": published({})}, is_synthetic=True)
    assert answer.sentences == ["Not asked: these images are synthetic, and the report’s are not."]


def test_every_question_is_answered_for_a_night_without_anything() -> None:
    """No frame, no error, no claim."""
    answers = answers_of({})
    assert len(answers) == 5
    assert all(answer.sentences for answer in answers)
    assert not any("harder than" in sentence or " tells " in sentence for one in answers for sentence in one.sentences)


def test_words_are_joined_as_people_join_them() -> None:
    """One, two and more; none is said to be none."""
    assert [listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["a", "a and b", "a, b and c"]
    assert [count(0, "image"), count(1, "image"), count(2, "patch", "patches")] == ["no images", "1 image", "2 patches"]
    assert between([0.2, 0.2]) == "0.2000"
    assert training_words({"preset": "a", "scheme": "paper", "label": "NP"}) == "a (paper, NP)"
