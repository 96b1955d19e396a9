"""Dagster's instance as sensors see it."""

import dagster as dg

_kept: list[dg.DagsterInstance] = []


def instance_of(context: dg.SensorEvaluationContext) -> dg.DagsterInstance:
    """``context.instance``, opened once for a process instead of once for every look.

    Opening it reads every migration of Dagster's three databases: a tenth of a second of CPU, which
    was most of what sensors that look every few seconds cost.
    """
    ref = context.instance_ref
    if ref is None:
        return context.instance
    if not _kept or _kept[0].get_ref() != ref:
        _kept[:] = [dg.DagsterInstance.from_ref(ref)]
    return _kept[0]
