"""Train one model on one fold (`train` is the way in): settings, course, checkpoints, devices."""
