"""Which epoch's model speaks for a run: the selection rules as code.

last          the last epoch
best-on-val   highest WAR on the validation split that was cut from the training fold; never sees the test fold
best-on-test  highest WAR on the test fold, as all three upstreams do; an oracle, and printed as such

Ties go to the earlier epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import torch

from harness.manifest import SelectionRule


@dataclass(frozen=True)
class Choice:
    """The epoch (from 1) a rule names so far, its score, and the test logits (N, E) of that epoch."""

    epoch: int
    score: float
    logits_NE: torch.Tensor

    def state(self) -> dict[str, object]:
        """For a checkpoint: plain values and a tensor."""
        return {"epoch": self.epoch, "score": self.score, "logits_NE": self.logits_NE}


def update(
    choices: Mapping[SelectionRule, Choice],
    rules: Iterable[SelectionRule],
    epoch: int,
    logits_NE: torch.Tensor,
    test_war: float,
    val_war: float | None,
) -> dict[SelectionRule, Choice]:
    """The choices after `epoch`, whose WARs are shares between 0 and 1."""
    chosen = dict(choices)
    for rule in rules:
        score = {"last": float(epoch), "best-on-val": val_war, "best-on-test": test_war}[rule]
        assert score is not None, "best-on-val needs a validation split"
        if rule not in chosen or score > chosen[rule].score:
            chosen[rule] = Choice(epoch, score, logits_NE)
    return chosen
