"""The name of an experiment at one ratio of a sweep, read back: all that a report needs of runs/sweep.py."""

from __future__ import annotations

import re

AT_RATIO = re.compile(r"(?P<experiment>.+)/ratio-(?P<ratio>[0-9.e-]+)")


def swept(experiment: str) -> tuple[str, float] | None:
    """Name and ratio in the name of an experiment that `ratios` made; None for any other."""
    match = AT_RATIO.fullmatch(experiment)
    return (match["experiment"], float(match["ratio"])) if match else None
