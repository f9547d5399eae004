"""Parameters and multiply-adds of models, counted by a process of its own while a report does its other work.

PyTorch alone takes seconds to import, and nothing else of a report needs it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from harness.errors import HarnessError

Model = tuple[str, str]  # name and scale


@dataclass(frozen=True)
class Cost:
    """Parameters of a model, and its multiply-adds for one clip at inference."""

    parameters: int
    multiply_adds: int


def begin_costs(models: Collection[Model]) -> Callable[[], Mapping[Model, Cost]]:
    """Begin to count for those that are native models; what is returned waits for the counts.

    HarnessError if they cannot be counted, with the last line that was said.
    """
    command = [sys.executable, "-m", "harness.analysis.costs", json.dumps(sorted(models))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    return lambda: _read(process)


def costs(models: Collection[Model]) -> dict[Model, Cost]:
    """Costs of those that are native models."""
    from harness.analysis.flops import inference_multiply_adds

    counts = inference_multiply_adds(models).items()
    return {model: Cost(own, count) for model, count in counts if (own := parameters(*model)) is not None}


def parameters(model: str, scale: str) -> int | None:
    """Parameters of the model as its code stands, without drawing one; None if it is none of ours."""
    from harness.analysis.flops import shapes
    from harness.models import MODELS

    if model not in MODELS:
        return None
    return sum(parameter.numel() for parameter in shapes(model, scale).parameters())


def _read(process: subprocess.Popen[str]) -> dict[Model, Cost]:
    said, complaints = process.communicate()
    if process.returncode:
        last = (complaints.strip().splitlines() or [f"exit code {process.returncode}"])[-1]
        raise HarnessError(f"multiply-adds of the models cannot be counted ({last}); try `audfer flops`")
    return {(model, scale): Cost(own, count) for model, scale, own, count in json.loads(said)}


if __name__ == "__main__":
    import torch

    # The report works on the other cores; threads that wait for one another would take twice the time of one.
    torch.set_num_threads(1)
    found = costs([(model, scale) for model, scale in json.loads(sys.argv[1])])
    print(json.dumps([[*model, one.parameters, one.multiply_adds] for model, one in found.items()]))
