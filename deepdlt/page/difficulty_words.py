"""Which label is harder: the sentences of the one training that answers it best."""

from typing import Any

import polars as pl

from deepdlt.page.numbers import p_words
from deepdlt.page.standing import Standing
from deepdlt.page.words import ALPHA, count, listed, scheme_words

SCHEME_ORDER = ("condition", "grouped", "paper", "holdout", "leave-one-level-out")
"""First where every image is tested and nothing of it is trained on; last where what is tested was never seen."""

UNANSWERED = "No answer: this night has no trainings whose test images could be compared."


def difficulty_sentences(
    tests: pl.DataFrame, answers: pl.DataFrame, summary: pl.DataFrame, standing: Standing
) -> list[str]:
    """Answer by the training that is fit best for it, chosen without regard to what it answers.

    Parameters
    ----------
    tests : polars.DataFrame
        ``preset``, ``scheme``, ``n_runs``, ``label``, ``p_label``, ``n_tests``, ``n_pairs``, ``n_claimed``.
    answers : polars.DataFrame
        Rows of `difficulty_answer`: ``preset``, ``scheme``, ``label``, ``place``, ``sentence``.
    summary : polars.DataFrame
        Rows of `fold_summary`.
    standing : Standing

    Returns
    -------
    list of str
        One sentence for each label with a claim, one for all without, and where they come from.
    """
    main = main_group(tests, summary, standing)
    if main is None:
        return [UNANSWERED]
    preset, scheme = main
    of_main = tests.filter(pl.col("preset") == preset, pl.col("scheme") == scheme)
    said = {} if answers.is_empty() else _sentences_by_label(answers, preset, scheme)
    claims, quiet = [], []
    for test in of_main.iter_rows(named=True):
        if test["p_label"] is not None and test["p_label"] > ALPHA:
            quiet.append(test)
        else:
            claims += _claim(test, said.get(test["label"], []))
    return [*claims, *_no_difference(quiet), _source(of_main.row(0, named=True), standing)]


def main_group(tests: pl.DataFrame, summary: pl.DataFrame, standing: Standing) -> tuple[str, str] | None:
    """Return preset and scheme of the training that answers, None where nothing was asked.

    The safest scheme first, then what is not worse than a flat patch, then the greatest SSIM.
    """
    if tests.is_empty():
        return None
    quality = {}
    if "ssim" in summary.columns:
        means = summary.group_by("preset", "scheme").agg(pl.col("ssim").fill_nan(None).mean())
        quality = {(row["preset"], row["scheme"]): row["ssim"] for row in means.iter_rows(named=True)}

    def rank(group: tuple[str, str]) -> tuple[int, bool, float, str]:
        preset, scheme = group
        place = SCHEME_ORDER.index(scheme) if scheme in SCHEME_ORDER else len(SCHEME_ORDER)
        return place, bool(standing.mark(preset=preset, scheme=scheme)), -(quality.get(group) or 0.0), preset

    return min(tests.select("preset", "scheme").unique().rows(), key=rank)


def _sentences_by_label(answers: pl.DataFrame, preset: str, scheme: str) -> dict[str, list[str]]:
    """Return the sentences of one group, in their order."""
    of_group = answers.filter(pl.col("preset") == preset, pl.col("scheme") == scheme).sort("label", "place")
    return {str(label): part["sentence"].to_list() for (label,), part in of_group.group_by("label")}


def _claim(test: dict[str, Any], sentences: list[str]) -> list[str]:
    """Return the first sentence on a label, the largest difference, and how many more there are."""
    if not sentences:
        return []
    n_more = test["n_claimed"] - 1
    more = f" {count(n_more, 'more pair')} of {test['label']} values can be told apart." if n_more > 0 else ""
    return [sentences[0] + more]


def _no_difference(tests: list[dict[str, Any]]) -> list[str]:
    """Return the sentence on the labels that no difference can be seen for."""
    if not tests:
        return []
    labels = listed(f"{test['label']} ({p_words(test['p_label'])})" for test in tests)
    return [f"No difference can be seen for {labels}, after Holm for {count(tests[0]['n_tests'], 'label')}."]


def _source(test: dict[str, Any], standing: Standing) -> str:
    """Say which training answers, and where it is worse than flat."""
    mark = standing.mark(preset=test["preset"], scheme=test["scheme"])
    warning = f"; it is {mark}, so read this with care" if mark else ""
    runs = count(test["n_runs"], "training")
    return f"Asked of {test['preset']}, {runs} on {scheme_words(test['scheme'])}{warning}."
