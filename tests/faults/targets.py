"""What is fuzzed: for each kind of input valid files, and how the commands read them.

A reader gets the folder of the files, one of them changed. It may accept the input or raise a HarnessError, nothing
else. Where a hash stands beside the bytes it says itself, by an AssertionError, that wrong bytes were taken.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from target import Target
from targets_au import frames_table, knowledge, libreface, openface, pyfeat, released
from targets_lists import (
    MANIFESTS,
    affwild2,
    dfew,
    experiments,
    ferv39k,
    mafw,
    names,
    settings,
    upstream_lists,
)
from targets_packs import checkpoints, journals, packs, pictures, stamps, weights
from targets_runs import report, resealed, sealed, summaries, tables

TARGETS: tuple[Callable[[Path], Target], ...] = (
    experiments, settings, *MANIFESTS, dfew, ferv39k, mafw, affwild2, upstream_lists, names, openface, pyfeat,
    libreface, released, frames_table, knowledge, sealed, resealed, report, summaries, tables, checkpoints, weights,
    pictures, packs, journals, stamps,
)  # fmt: skip
