"""The label sheet: its declaration (`dlip.toml`, `spec`), its cells, and the table it makes (`sheet` is the way in)."""
