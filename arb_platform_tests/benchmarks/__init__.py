"""Measured ratios against a naive client committed beside them, and against other projects' code.

``python -m arb_platform_tests.benchmarks --list`` says what there is. Nothing here is asserted on
time; every figure is printed after the books were compared with the generator's.
"""
