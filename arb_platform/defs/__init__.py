"""Dagster's view of the platform; the only package that imports dagster."""
