"""Prefect flows: the jobs of a night, composed of tasks."""
