"""The commands of ``deepdlt``: one function a command, its docstring its help; nothing heavy imported on top."""
