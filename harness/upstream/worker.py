"""The process of an upstream's training script: `python -P -m harness.upstream.worker FOLDER/job.json EVENTS`.

Shims first, then the script as its own `__main__` in a scratch folder. Epochs go to the file descriptor EVENTS, one
JSON line each, their test logits to `epoch<number>.npy`; what the script prints goes where the parent sent it. Ends
when standard input closes, which is when the parent is gone.
"""

from __future__ import annotations

import json
import os
import runpy
import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.engine.parent import end_with_input
from harness.errors import HarnessError
from harness.files import replacing
from harness.upstream import hooks, shims
from harness.upstream.child import refuse_network
from harness.upstream.job import FAILURE, Job, read_job


def main(path: Path, events: int) -> None:
    """Run the job to its end; a HarnessError goes to `failure.txt` for the parent to raise again."""
    end_with_input()
    job, arrays = read_job(path)
    os.chdir(job.work)
    hooks.run = hooks.Run(job, arrays, partial(_send, events))
    try:
        _start(job)
    except HarnessError as error:
        Path(FAILURE).write_text(str(error), encoding="utf-8")
        raise


def _start(job: Job) -> None:
    if job.threads:
        torch.set_num_threads(job.threads)
    shims.apply(job)
    if job.steps is not None:
        _record_steps(job.steps)
    refuse_network()
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(job.tree))
    sys.argv = [job.entry, *job.argv]
    runpy.run_path(str(job.tree / job.entry), run_name="__main__")


def _send(events: int, record: dict[str, Any], logits_NE: np.ndarray) -> None:
    with replacing(Path(f"epoch{record['epoch']}.npy")) as temporary, temporary.open("wb") as file:
        np.save(file, logits_NE)
    os.write(events, (json.dumps(record) + "\n").encode())


def _record_steps(steps: int) -> None:
    """Write the exact values of the first `steps` losses, as backward meets them, to `losses.txt`; end the script."""
    backward = torch.Tensor.backward
    losses: list[str] = []

    def recorded(self: torch.Tensor, *arguments: Any, **options: Any) -> None:
        losses.append(float(self.detach()).hex())
        backward(self, *arguments, **options)
        if len(losses) == steps:
            Path("losses.txt").write_text("\n".join(losses), encoding="utf-8")
            raise SystemExit(0)

    torch.Tensor.backward = recorded  # type: ignore[method-assign]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
