"""Holds the native models to their upstreams: size, outputs, gradients and the first steps of training.

Each comparison runs in a process of its own (native_worker.py), because the upstreams' modules share names.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from harness.upstream.child import variables
from harness.upstream.manifest import UpstreamError


@dataclass(frozen=True)
class Check:
    """One line of the table. `measured` and `asked` are a difference and its limit: 0 asks for equality.

    `passed` is the verdict; `note` says what was compared and, where fp32 cannot decide, why fp64 does.
    """

    model: str
    check: str
    asked: float
    measured: float
    passed: bool
    note: str = ""


def verify_native(name: str, upstream_dir: Path) -> list[Check]:
    """All checks of the model `name` against the upstream in `upstream_dir`, whose tree the caller has verified.

    Takes one to two minutes on two cores. Errors: UpstreamError, one line, if the upstream's code does not run.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder, "checks.json")
        _work(name, upstream_dir.resolve(), answer, cwd=Path(folder))
        return [Check(**line) for line in json.loads(answer.read_text(encoding="utf-8"))]


def rows(checks: Sequence[Check]) -> list[dict[str, Any]]:
    """The checks as lines of a table."""
    return [
        {
            **asdict(check),
            "asked": "equal" if check.asked == 0 else f"{check.asked:.0e}",
            "measured": f"{check.measured:.2g}",
            "passed": "yes" if check.passed else "NO",
        }
        for check in checks
    ]


def _work(name: str, upstream_dir: Path, answer: Path, cwd: Path) -> None:
    worker = [sys.executable, "-P", "-m", "harness.upstream.native_worker", name, str(upstream_dir), str(answer)]
    # The worker ends when its standard input does, which this process holds open.
    read, write = os.pipe()
    try:
        done = subprocess.run(
            worker, cwd=cwd, env=variables(os.environ, cwd, None, ""), stdin=read, capture_output=True, text=True
        )
    finally:
        os.close(read)
        os.close(write)
    if done.returncode or not answer.is_file():
        lines = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise UpstreamError(f"{name}: the upstream's model could not be compared ({lines[-1]}); see {upstream_dir}")
