"""What tests and their scripts share: an experiment that takes seconds, and the command line without a new process."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from subprocess import CompletedProcess
from unittest import mock


def experiment(name: str, models: Sequence[str], *, epochs: int, clips: int = 60) -> str:
    """The TOML of an experiment on rendered faces: models with and without the AU loss, small batches, every rule."""
    overrides = [f"overrides.{model} = {{ epochs = {epochs}, batch = 8 }}" for model in models]
    return "\n".join(
        [
            f'name = "{name}"',
            f'title = "{name}"',
            'dataset = "rendered"',
            f"models = {[*models]}",
            'arms = ["baseline", "au-distinct"]',
            "folds = [1]",
            "seeds = [0]",
            'scale = "demo"',
            "threads = 1",
            'precision = "fp32"',
            'selection = ["last", "best-on-val", "best-on-test"]',
            *overrides,
            f"render = {{ clips = {clips}, size = 40 }}",
            "",
        ]
    )


def audfer(*arguments: object) -> CompletedProcess[str]:
    """`audfer ARGUMENTS` in this process, which has the libraries loaded: its exit code and what it says."""
    from harness.cli import main

    said, complaints, code = StringIO(), StringIO(), 0
    argv = ["audfer", *map(str, arguments)]
    with redirect_stdout(said), redirect_stderr(complaints), mock.patch.object(sys, "argv", argv):
        try:
            main()
        except SystemExit as ended:
            code = int(ended.code or 0)
    return CompletedProcess(argv, code, said.getvalue(), complaints.getvalue())
