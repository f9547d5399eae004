"""Holds the patched upstreams to the unpatched ones: at AU ratio 0 every step's loss is the same, bit for bit."""

from __future__ import annotations

import tempfile
from pathlib import Path

from harness.au.knowledge import read_unit_table
from harness.au.units import EXPRESSIONS
from harness.data.rendered.dataset import render_dfew
from harness.manifest import manifests_dir
from harness.upstream.bits import compare
from harness.upstream.tree import THIRD_PARTY
from harness.upstream.verify_native import Check

CLIPS, SIZE = 80, 40


def verify_ratio_zero(name: str, third_party: Path = THIRD_PARTY) -> Check:
    """Train the upstream `name` on a few rendered faces, unpatched and patched at ratio 0, and compare the losses.

    Takes about a minute. Errors: UpstreamError for a clone that is not the pinned one, RunError if a script fails.
    """
    weights_EA = read_unit_table(manifests_dir() / "knowledge" / "pos_weight_dfew.csv", (*EXPRESSIONS, "all"))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "faces")
        render_dfew(root, 1.0 / (1.0 + weights_EA[: len(EXPRESSIONS)]), clips=CLIPS, size=SIZE, seed=0, workers=1)
        steps = compare(name, root, Path(folder, "runs"), third_party=third_party)
    note = f"losses of {len(steps.patched)} steps of the script, bit for bit"
    return Check(name, "patched at ratio 0 equals unpatched", 0.0, float(not steps.equal), steps.equal, note)
