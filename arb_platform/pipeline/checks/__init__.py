"""What is checked while the platform works: one function per question of an operator, without Dagster.

A check looks at the lake, at files beside it or at the machine, and answers with one sentence that
says what to do next. :data:`registry.CHECKS` lists them; `arb check` and Dagster show the same ones.
"""

from arb_platform.pipeline.checks.check import Answer, Check, Sight, failed, passed, unknown
from arb_platform.pipeline.checks.registry import CHECKS, evaluate, sight_of

__all__ = [
    "CHECKS",
    "Answer",
    "Check",
    "Sight",
    "evaluate",
    "failed",
    "passed",
    "sight_of",
    "unknown",
]
