"""Prefect tasks: one policy around one call into deepdlt or the lake each."""
