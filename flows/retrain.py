"""The night: from SEM images to per-label metrics."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from prefect import flow
from prefect.runtime import flow_run
from pydantic import Field

from deepdlt.config import PROFILES, FoldScheme, ModelName, PatchRecipe, TrainingChoices
from deepdlt.night import SplitRecord, plan_runs, presets_of_night
from deepdlt.refresh import STEP_PATTERN, STEPS, read_refresh
from flows.ingest import AcceptChanges, SheetPath, SourceFolder, take_in
from flows.prepare import make_ready
from tasks.analysis import analyse_night
from tasks.aside import set_aside
from tasks.champions import judge_champions
from tasks.choices import chosen_epochs, pin_choices
from tasks.draw import draw_pictures
from tasks.drift import look_at_new_images
from tasks.fan_out import cancel_children, fan_out
from tasks.nights import merge_files, missing_plans, record_night, refuse_gaps
from tasks.page import write_page_of_night
from tasks.profile import pick_profile
from tasks.report import report_night
from tasks.sheet import refuse_unknown_labels

LabelKeys = Annotated[
    list[str], Field(min_length=1, description="Labels to stratify by, as the sheet's declaration names them.")
]
Schemes = Annotated[
    list[FoldScheme],
    Field(
        min_length=1,
        description="paper: folds over patches, as in the report; grouped: over whole images; condition: over all "
        "images of equal laser settings; leave-one-level-out: each fold tests a label value training has not seen.",
    ),
]
FoldCount = Annotated[int, Field(ge=2, le=20, description="Folds of each label and scheme.")]
Models = Annotated[
    list[ModelName],
    Field(min_length=1, description="ae: autoencoder; vae: variational autoencoder; residual: our own autoencoder."),
]
Epochs = Annotated[
    int | None, Field(ge=1, le=100_000, description="Epochs of every training; without it, profile and preset say.")
]
ProfileChoice = Annotated[
    Literal["auto", "quick", "paper"],
    Field(
        description="quick: minutes on two cores; paper: the report's numbers; auto: paper where CUDA is, else quick."
    ),
]
Seed = Annotated[int, Field(ge=0, lt=2**31, description="Seed of folds, and of trainings where no seeds are given.")]
Seeds = Annotated[
    list[Annotated[int, Field(ge=0, lt=2**31)]] | None,
    Field(min_length=1, max_length=100, description="Seeds of trainings: each training is done once with each."),
]
Choices = Annotated[
    TrainingChoices | None, Field(description='Settings that take the place of every preset\'s, e.g. {"loss": "l1"}.')
]
RefreshNames = Annotated[
    list[Annotated[str, Field(pattern=STEP_PATTERN)]],
    Field(
        max_length=100,
        description=f"Steps to do again though what stands would do: {', '.join(STEPS)}; of trainings, those of a "
        "preset or label with train:PRESET or train:LABEL.",
    ),
]
PresetName = Annotated[
    Literal[
        "label-cv",
        "matched-label-cv",
        "experiment-1",
        "matched-experiment-1",
        "experiment-2",
        "matched-experiment-2",
        "experiment-3",
        "matched-experiment-3",
        "vae",
        "matched-vae",
        "tuned",
        "tuned-128",
        "residual",
        "residual-128",
    ],
    Field(description="Named training; label-cv brings experiment-1 and vae with it, on the 80/10/10 split."),
]


@flow(name="retrain", flow_run_name="night {profile} {preset}", retries=0, on_cancellation=[cancel_children])
def retrain(
    source: SourceFolder = None,
    sheet: SheetPath = None,
    profile: ProfileChoice = "auto",
    preset: PresetName = "label-cv",
    labels: LabelKeys = ["angle", "PP1", "NP", "EP1"],  # noqa: B006 - never changed; Prefect shows it in the form
    schemes: Schemes = ["paper", "grouped"],  # noqa: B006
    folds: FoldCount = 5,
    models: Models = ["ae", "vae", "residual"],  # noqa: B006
    epochs: Epochs = None,
    seed: Seed = 0,
    seeds: Seeds = None,
    settings: Choices = None,
    accept_changes: AcceptChanges = False,
    refresh: RefreshNames = [],  # noqa: B006
) -> dict[str, Any]:
    """Ingest new images, cut their patches, assign folds, train what is missing, report per-label metrics."""
    started_at = datetime.now(UTC)
    refuse_unknown_labels(labels)
    choices = pin_choices(settings)
    presets = presets_of_night(preset, models, choices)
    again = read_refresh(refresh, trainings=[*(one.name for one in presets), *labels])
    budget = PROFILES[pick_profile(profile)]
    ingested, taken = take_in(source, sheet, accept_changes, again)
    ready = make_ready(ingested["source"], PatchRecipe(), budget.patches_per_image, labels, schemes, folds, seed, again)
    splits = [SplitRecord.model_validate(split) for split in ready["splits"]]
    plans = plan_runs(
        splits, presets, profile=budget.name, epochs=epochs or chosen_epochs(choices), seeds=seeds or [seed]
    )
    set_aside(plans, again)
    missing = missing_plans(plans)
    outcomes = fan_out(missing)
    night = record_night(
        str(flow_run.get_id()),
        plans,
        missing,
        ingested=ingested,
        n_new_images=0 if taken["is_hit"] else ingested["n_new_images"],
        n_new_patches=ready["n_new_patches"],
        started_at=started_at,
        finished_at=datetime.now(UTC),
        steps=[taken, *ready["steps"]],
        refresh=again,
    )
    merge_files()
    # What fails from here on fails its own task, not the night: an analysis, pictures that cannot be drawn, the page.
    analyse_night(night["night_id"], again.asks_for("analyse"), return_state=True)
    look_at_new_images(night["night_id"], return_state=True)  # by the champion that stood before this night
    judge_champions(night["night_id"], return_state=True)
    draw_pictures(night["night_id"], again.asks_for("pictures"), return_state=True)
    write_page_of_night(night["sequence"], return_state=True)
    report_night(night, return_state=True)
    refuse_gaps(missing, outcomes)
    return {name: str(value) for name, value in night.items()}
