"""The AU loss of a batch against loops over it that build the same weights clip by clip."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from harness.au.knowledge import load_knowledge
from harness.au.loss import AULoss
from harness.au.pos_weight import load_released
from harness.au.units import NUM_EXPRESSIONS, NUM_UNITS
from harness.bench.lines import Bar, Line
from harness.bench.timing import Clock, alternate, ratio, repeated, repeats
from harness.manifest import manifests_dir

BATCH = 256
FASTER = Bar("at least", 50.0)
LEAST_SECONDS = 0.02

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]


def matrices() -> tuple[np.ndarray, np.ndarray]:
    """The knowledge matrix of Fig. 4 and the released pos_weight of DFEW, each (E, A)."""
    folder = manifests_dir() / "knowledge"
    return np.asarray(load_knowledge("fig4", folder)), load_released(folder / "pos_weight_dfew.csv", "distinct")


def random_logits() -> tuple[Tensor, Tensor, Tensor]:
    """AU logits and labels (B, A) and expressions (B,)."""
    draw = torch.Generator().manual_seed(0)
    logits_BA = torch.randn(BATCH, NUM_UNITS, generator=draw).requires_grad_()
    labels_BA = (torch.rand(BATCH, NUM_UNITS, generator=draw) < 0.3).float()
    return logits_BA, labels_BA, torch.randint(0, NUM_EXPRESSIONS, (BATCH,), generator=draw)


def loop_by_class(knowledge_EA: np.ndarray, pos_weight_EA: np.ndarray) -> Loss:
    """Clip by clip, asks for each class in turn, as code with one branch per expression does; once for each matrix."""
    knowledge, pos_weights = knowledge_EA.tolist(), pos_weight_EA.tolist()

    def loss(logits_BA: Tensor, labels_BA: Tensor, target_B: Tensor) -> Tensor:
        weight, pos_weight = [], []
        for expression in target_B:
            for candidate in range(NUM_EXPRESSIONS):
                if expression == candidate:
                    weight.append([5 * k for k in knowledge[candidate]])
                    break
        for expression in target_B:
            for candidate in range(NUM_EXPRESSIONS):
                if expression == candidate:
                    pos_weight.append(pos_weights[candidate])
                    break
        return F.binary_cross_entropy_with_logits(
            logits_BA, labels_BA, torch.tensor(weight), pos_weight=torch.tensor(pos_weight)
        )

    return loss


def loop_by_clip(knowledge_EA: np.ndarray, pos_weight_EA: np.ndarray) -> Loss:
    """Clip by clip, takes the two rows and the loss of that clip; the mean at the end: the per-sample loop."""
    knowledge, pos_weights = torch.tensor(knowledge_EA).float(), torch.tensor(pos_weight_EA).float()

    def loss(logits_BA: Tensor, labels_BA: Tensor, target_B: Tensor) -> Tensor:
        losses = []
        for logits_A, labels_A, expression in zip(logits_BA, labels_BA, target_B, strict=True):
            weight_A, pos_weight_A = 5 * knowledge[expression], pos_weights[expression]
            losses.append(F.binary_cross_entropy_with_logits(logits_A, labels_A, weight_A, pos_weight=pos_weight_A))
        return torch.stack(losses).mean()

    return loss


def loop_over_rows(knowledge_EA: np.ndarray, pos_weight_EA: np.ndarray) -> Loss:
    """The leanest loop: clip by clip it only picks two rows, which one criterion takes together."""
    knowledge, pos_weights = torch.tensor(knowledge_EA).float(), torch.tensor(pos_weight_EA).float()

    def loss(logits_BA: Tensor, labels_BA: Tensor, target_B: Tensor) -> Tensor:
        weight = [5 * knowledge[expression] for expression in target_B]
        pos_weight = [pos_weights[expression] for expression in target_B]
        return F.binary_cross_entropy_with_logits(
            logits_BA, labels_BA, torch.stack(weight), pos_weight=torch.stack(pos_weight)
        )

    return loss


LOOPS: dict[str, Callable[[np.ndarray, np.ndarray], Loss]] = {
    "a branch per class": loop_by_class,
    "a loss per sample": loop_by_clip,
    "two rows per sample": loop_over_rows,
}
LEAN = ("two rows per sample",)


def measure(rounds: int, seed: int, clock: Clock = "wall") -> list[Line]:
    """Our criterion against each loop, on one thread of the CPU: a second thread only waits at this size.

    The first is the kind that the released code has. The leanest is told beside them, without a bar.
    """
    knowledge_EA, pos_weight_EA = matrices()
    batch, threads = random_logits(), torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [
            _against(name, loop(knowledge_EA, pos_weight_EA), batch, rounds, seed, clock)
            for name, loop in LOOPS.items()
        ]
    finally:
        torch.set_num_threads(threads)


def _against(name: str, loop: Loss, batch: tuple[Tensor, Tensor, Tensor], rounds: int, seed: int, clock: Clock) -> Line:
    criterion = AULoss(*matrices())
    calls: dict[str, Callable[[], object]] = {"ours": lambda: criterion(*batch), "loop": lambda: loop(*batch)}
    times = {who: repeats(call, LEAST_SECONDS, clock=clock) for who, call in calls.items()}
    seconds = alternate({who: repeated(call, times[who]) for who, call in calls.items()}, rounds, seed, clock=clock)
    seconds = {who: [one / times[who] for one in values] for who, values in seconds.items()}
    bar = None if name in LEAN else FASTER
    return Line(
        "step", "AU loss", f"{name} / the criterion", "times", ratio(seconds, "loop", "ours"), bar, f"batch {BATCH}"
    )
