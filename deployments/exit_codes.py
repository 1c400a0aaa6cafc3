"""What the command line says by its exit code, besides 0."""

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
