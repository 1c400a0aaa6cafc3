"""Pictures of what a variational autoencoder makes up. Imports torch."""

import numpy as np

from deepdlt.figures.imagined import interpolations_figure, samples_figure, traversals_figure
from deepdlt.figures.tiles import unit_images
from deepdlt.figures.walks import information_of_numbers, interpolate, traverse
from deepdlt.models import VariationalAutoEncoder
from deepdlt.models.sampling import sample_prior
from lake import Lake
from tasks.drawing.errors import TooFewPatches
from tasks.drawing.pixels import patches_of_fold
from tasks.drawing.stored import best_model, choose, patch_set
from tasks.drawing.subject import Drawn, RunFacts, Subject

N_SAMPLES, N_WAYS, N_WALKS = 24, 5, 6
N_FOR_INFORMATION = 512
"""Patches that the information of a number is a mean over."""

LEAST_NATS = 0.01
"""A number that says less is as good as unused."""

WAY = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
STEPS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)


def draw_samples(lake: Lake, subject: Subject) -> Drawn:
    """Draw what a VAE makes of codes from its prior."""
    run, scale = subject.run, subject.run.choices["target_range"]
    samples = sample_prior(_vae(lake, run), n=N_SAMPLES, seed=run.seed).numpy()
    title = f"{run.name}, {run.standing}: {N_SAMPLES} samples of the prior, seed {run.seed}"
    greys = unit_images(samples, scale).mean((1, 2))
    alt = (
        f"{N_SAMPLES} patches decoded from random codes; their mean grey levels reach from {greys.min():.2f} to "
        f"{greys.max():.2f}, 0 black and 1 white."
    )
    return Drawn(samples_figure(samples, target_range=scale, title=title), title, alt)


def draw_interpolations(lake: Lake, subject: Subject) -> Drawn:
    """Draw what a VAE decodes between test patches of different images."""
    run, scale = subject.run, subject.run.choices["target_range"]
    chosen = choose(patches_of_fold(lake, run, "test"), 2 * N_WAYS, run)
    n_ways = min(N_WAYS, chosen["image_id"].n_unique() // 2)
    if not n_ways:
        raise TooFewPatches(run.run_id, run.name, "test patches of one image: a way needs two")
    patches = patch_set(lake, run, chosen)
    batch = patches.batch(patches.index(range(2 * n_ways)), target_range=scale)
    starts, ends = batch[:n_ways], batch[n_ways:]
    ways = interpolate(_vae(lake, run), starts, ends, shares=WAY)
    title = f"{run.name}, {run.standing}: from one test patch to another through the code"
    alt = (
        f"Rows: {n_ways}. Each begins with a test patch and ends with one of another image; between them stands what "
        f"the decoder makes of codes on the straight way, in {len(WAY)} steps."
    )
    picture = interpolations_figure(
        starts.numpy(), ways.numpy(), ends.numpy(), shares=WAY, target_range=scale, title=title
    )
    return Drawn(picture, title, alt)


def draw_traversals(lake: Lake, subject: Subject) -> Drawn:
    """Draw what single numbers of a test patch's code do."""
    run, scale = subject.run, subject.run.choices["target_range"]
    vae = _vae(lake, run)
    patches = patch_set(lake, run, choose(patches_of_fold(lake, run, "test"), N_FOR_INFORMATION, run))
    batch = patches.batch(patches.index(range(len(patches))), target_range=scale)
    information = information_of_numbers(vae, batch).numpy()
    numbers = np.argsort(-information, kind="stable")[:N_WALKS].tolist()
    walks = traverse(vae, batch[:1], numbers=numbers, steps=STEPS)
    names = [f"number {number}\n{information[number]:.2g} nats" for number in numbers]
    title = f"{run.name}, {run.standing}: the {len(numbers)} numbers of the code that say most"
    alt = (
        f"What the decoder makes of a test patch's code as one number of it runs from {STEPS[0]:g} to {STEPS[-1]:g}; "
        f"{int((information > LEAST_NATS).sum())} of {len(information)} numbers say more than {LEAST_NATS} nats."
    )
    picture = traversals_figure(walks.numpy(), steps=STEPS, names=names, target_range=scale, title=title)
    return Drawn(picture, title, alt)


def _vae(lake: Lake, run: RunFacts) -> VariationalAutoEncoder:
    """Return the run's best model, which is a VAE."""
    model = best_model(lake, run).model
    if not isinstance(model, VariationalAutoEncoder):
        raise TypeError(f"the model of run {run.run_id} is no VAE")
    return model
