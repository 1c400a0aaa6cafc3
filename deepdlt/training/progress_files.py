"""Names of the files that a training which was cut off goes on from, in its folder of checkpoints."""

PROGRESS_FILE = "progress.safetensors"

AGAIN_FILE = "progress-again.safetensors"
"""Of the second try of a training that diverged: a kill in the middle of it costs neither try."""

PROGRESS_FILES = (PROGRESS_FILE, AGAIN_FILE)
