"""What test_distributed.py has done by two ranks and by one process; importable, so that a spawned process finds it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

STEPS, DROP_PATH = 3, 0.3


def trained(config: Any, pack: Path, ranks: Any) -> dict[str, Any]:
    """A few steps of a run: losses, the first step's gradients, weights and buffers, and evaluation logits.

    A third of the clips has no AU label, and MAE-DFER drops paths: what the ranks' parts of a batch have not alike.
    """
    from harness.data.prepare import open_prepared
    from harness.engine.batch import make_batch
    from harness.engine.evaluate import predict
    from harness.engine.fold import load_fold
    from harness.engine.setup import build, prepare_machine
    from harness.engine.train import train_step

    data = load_fold(open_prepared(pack), config)
    data.au_mask_N[data.train_N[::3]] = False
    prepare_machine(config, ranks)
    setup = build(config, data, None, ranks)
    for block in getattr(setup.model, "blocks", []):
        block.drop_path = DROP_PATH
    setup.model.train()
    assert setup.head is not None
    losses, gradients = [], {}
    for step in range(STEPS):
        losses.append(train_step(setup, make_batch(data, config, step), step))
        if step == 0:
            named = [*setup.model.named_parameters(), *setup.head.named_parameters("head")]
            gradients = {name: parameter.grad.clone() for name, parameter in named}
    state = {name: value.clone() for name, value in setup.model.state_dict().items()}
    return {
        "losses": torch.stack(losses),
        "gradients": gradients,
        "state": state,
        "shared_logits": predict(setup.model, data, data.test_N, config, setup.autocast(), ranks),
        "whole_logits": predict(setup.model, data, data.test_N, config, setup.autocast()),
        "threads": torch.get_num_threads(),
    }


def whole_course(say: Callable[[str, Any], None], configs: Sequence[Any], pack: Path, out: Path, batch: int) -> None:
    """Train all configurations, wait to be stopped, and then let rank 1 die while rank 0 waits for it."""
    from harness.engine import evaluate, stop
    from harness.engine.distributed import joined
    from harness.errors import RunStopped

    evaluate.EVAL_BATCH = batch
    with joined("cpu") as ranks:
        for config in configs:
            result = trained(config, pack, ranks)
            if ranks.writes:
                torch.save(result, out / f"{config.model}.pt")
        say("trained", ranks.rank)
        try:
            while True:
                stop.check(ranks)
        except RunStopped as error:
            say("stopped", (ranks.rank, str(error)))
        if ranks.rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        ranks.mean(torch.zeros(1))
