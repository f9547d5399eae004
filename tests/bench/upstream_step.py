"""One training step, upstream as shipped against native at best precision, in turn in one process.

python -P tests/bench/upstream_step.py NAME UPSTREAM_DIR ROUNDS prints the seconds of each step as JSON. The upstream's
step is fp32 with its own clip layout and an unfused optimiser; ours is channels-last, fused, and bf16 where the
processor has it.
"""

import contextlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from harness.data.augment import channels_last
from harness.models import configuration
from harness.upstream.native_pair import Pair, probe
from harness.upstream.reference import reference


def has_bf16() -> bool:
    """Whether bf16 matrix products run in hardware here; without it autocast would be slower than fp32."""
    return "avx512_bf16" in Path("/proc/cpuinfo").read_text(encoding="utf-8")


def step(model: nn.Module, clip: torch.Tensor, label_B: torch.Tensor, fused: bool, bf16: bool) -> Callable[[], None]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=fused)
    model.train()

    def run() -> None:
        context = torch.autocast("cpu", dtype=torch.bfloat16) if bf16 else contextlib.nullcontext()
        with context:
            logits_BE = model(clip)
        optimizer.zero_grad()
        F.cross_entropy(logits_BE.float(), label_B).backward()
        optimizer.step()

    return run


def main(name: str, folder: Path, rounds: int) -> None:
    pair = Pair(name, reference(name, folder), configuration(name, "full"))
    asked = probe(pair.config)
    theirs = step(pair.upstream, pair.reference.layout(asked.clip_BTCHW), asked.expression_B, False, False)
    ours = step(pair.native, channels_last(asked.clip_BTCHW), asked.expression_B, True, has_bf16())
    seconds: dict[str, list[float]] = {"upstream": [], "native": []}
    for turn in range(rounds + 1):
        for who, run in (("upstream", theirs), ("native", ours)):
            started = time.perf_counter()
            run()
            if turn:  # the first round warms up
                seconds[who].append(time.perf_counter() - started)
    print(json.dumps({"precision": "bf16" if has_bf16() else "fp32", **seconds}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
