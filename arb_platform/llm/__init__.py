"""Asking language models: two providers, exact costs, one ledger row per attempt."""
