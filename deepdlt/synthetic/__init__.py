"""Synthetic SEM images of laser-structured metal and their label sheet (`synth` is the way in)."""
