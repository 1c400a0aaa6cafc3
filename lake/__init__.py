"""Storage: a DuckLake of tables, shards of patches and checkpoints."""
