"""What each choice of a training does: short trainings that differ in one setting, side by side.

``python -m benchmarks.choices run`` trains them, ``python -m benchmarks.choices document`` writes docs/choices.md.
"""
