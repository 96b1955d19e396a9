"""Whole stacks of processes that are killed, renewed and deployed: `make test-stack`."""
