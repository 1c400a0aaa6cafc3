"""Patches and folds: what is cut, how it is split, what a split leaks, and the folders of the report's export."""
