"""How a batch shares a machine: a table of what the program decides."""

import pytest

from deepdlt.config import TrainingSettings
from deepdlt.models import MODELS, build_model, count_parameters
from deepdlt.night import RunPlan
from deepdlt.sharing import Machine, bytes_of, choose_way, code_weights

GIB = 1 << 30


def plan(fold: int, **settings: object) -> RunPlan:
    return RunPlan(
        run_id=f"{fold}-{settings}",
        preset="label-cv",
        profile="quick",
        settings=TrainingSettings.model_validate(settings),
        scheme="grouped",
        label="NP",
        fold=fold,
        n_folds=99,
        seed=0,
        dataset_id="d",
        split_id="s",
        code_digest="c",
        versions={},
    )


@pytest.mark.parametrize(
    ("n_plans", "n_cores", "free_gib", "expected"),
    [
        (20, 2, 16, (2, 1)),
        (2, 2, 16, (2, 1)),
        (1, 2, 16, (1, 2)),
        (1, 1, 16, (1, 1)),
        (20, 1, 16, (1, 1)),
        (3, 16, 64, (3, 5)),
        (1, 64, 64, (1, 8)),
        (20, 16, 4, (5, 1)),
        (20, 16, 0.1, (1, 1)),
    ],
)
def test_on_a_cpu_trainings_go_in_processes(
    n_plans: int, n_cores: int, free_gib: float, expected: tuple[int, int]
) -> None:
    """One process a core, as many as memory bears, one thread each; fewer trainings share the cores."""
    machine = Machine("cpu", n_cores, round(free_gib * GIB))
    way = choose_way([plan(fold + 1) for fold in range(n_plans)], machine, size_px=64)
    assert (way.n_processes, way.n_threads) == expected


def test_little_memory_changes_no_number_of_a_training() -> None:
    """It makes it fewer processes; the threads, on which the last digits depend, stay."""
    plans = [plan(fold) for fold in range(1, 5)]
    short, ample = (choose_way(plans, Machine("cpu", 4, free), size_px=64) for free in (GIB, 64 * GIB))
    assert short.n_processes < ample.n_processes
    assert short.n_threads == ample.n_threads


def test_the_longest_training_begins_first() -> None:
    """What is begun last keeps the others waiting least."""
    plans = [plan(1, epochs=3), plan(2, epochs=50), plan(3, epochs=3), plan(4, epochs=40, model="vae")]
    way = choose_way(plans, Machine("cpu", 2, 8 * GIB), size_px=64)
    assert [one.fold for (one,) in way.groups] == [4, 2, 1, 3]


def test_a_large_batch_needs_more_memory() -> None:
    """Feature maps grow with the batch and the area of a patch."""
    assert bytes_of(plan(1, batch_size=256), size_px=64) > 2 * bytes_of(plan(1), size_px=64)
    assert bytes_of(plan(1), size_px=128) > bytes_of(plan(1), size_px=64)


@pytest.mark.parametrize("size_px", [32, 64])
@pytest.mark.parametrize("n_code", [64, 512])
@pytest.mark.parametrize("model", list(MODELS))
def test_the_weights_of_a_code_are_counted(model: str, n_code: int, size_px: int) -> None:
    """As many as the model has; what is left over are convolutions and offsets, of any code."""
    built = build_model(model, size_px=size_px, latent_dim=n_code)
    rest = count_parameters(built) - code_weights(model, n_code, size_px=size_px)
    assert 0 < rest < 150_000


def test_a_long_code_needs_more_memory() -> None:
    """On a machine that bears four trainings with maps as their code, one with 4,096 numbers goes alone."""
    machine = Machine("cpu", 4, 4 * GIB)
    maps, numbers = ([plan(fold, **chosen) for fold in range(1, 5)] for chosen in ({}, {"latent_dim": 4096}))
    assert choose_way(maps, machine, size_px=64).n_processes == 4
    assert choose_way(numbers, machine, size_px=64).n_processes == 1
    gpu = Machine("cuda", 4, 10 * GIB)
    assert [len(group) for group in choose_way(numbers, gpu, size_px=64).groups] == [2, 2]


@pytest.mark.parametrize(("free_gib", "expected"), [(70, [20, 3]), (7, [10, 10, 3]), (0.1, [1] * 23)])
def test_on_a_gpu_trainings_that_are_alike_are_one_network(free_gib: float, expected: list[int]) -> None:
    """As many together as memory bears, in parts of about one size; other settings are another network."""
    plans = [plan(fold) for fold in range(1, 21)] + [plan(fold, model="vae") for fold in range(1, 4)]
    way = choose_way(plans, Machine("cuda", 16, round(free_gib * GIB)), size_px=64)
    assert way.n_processes == 1
    assert sorted(map(len, way.groups), reverse=True) == expected
    assert {one.run_id for group in way.groups for one in group} == {one.run_id for one in plans}
    assert all(len({one.settings.model for one in group}) == 1 for group in way.groups)


def test_elsewhere_trainings_go_one_after_another() -> None:
    """Apple's GPUs get one process and no groups."""
    way = choose_way([plan(1), plan(2)], Machine("mps", 8, 16 * GIB), size_px=64)
    assert (way.n_processes, [len(group) for group in way.groups]) == (1, [1, 1])
