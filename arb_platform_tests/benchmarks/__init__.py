"""Measured ratios against a naive client committed beside them: ``python -m arb_platform_tests.benchmarks``.

Nothing here is asserted on time; every figure is printed after the books were compared with the
generator's.
"""
