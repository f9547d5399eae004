"""The AU loss against loops over the batch that build the same weights.

python -m pytest tests/bench/test_bench_au_loss.py --benchmark-enable -s
"""

import statistics
import time
from pathlib import Path

import pytest
import torch
from torch.nn import functional as F

from harness.au import AULoss
from harness.au.knowledge import load_knowledge
from harness.au.pos_weight import load_released

FOLDER = Path(__file__).parents[2] / "manifests" / "knowledge"
BATCH = 256
KNOWLEDGE_EA = load_knowledge("fig4", FOLDER)
POS_WEIGHT_EA = load_released(FOLDER / "pos_weight_dfew.csv", "distinct")


@pytest.fixture(autouse=True)
def one_thread():
    """Operations this small gain nothing from a second thread and wait for it where the machine is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def batch():
    draw = torch.Generator().manual_seed(0)
    logits_BA = torch.randn(BATCH, 18, generator=draw).requires_grad_()
    labels_BA = (torch.rand(BATCH, 18, generator=draw) < 0.3).float()
    return logits_BA, labels_BA, torch.randint(0, 7, (BATCH,), generator=draw)


def loop_by_class(logits_BA, labels_BA, target_B):
    """Clip by clip, asks for each class in turn, as code with one branch per expression does; once for each matrix."""
    knowledge, pos_weights = KNOWLEDGE_EA.tolist(), POS_WEIGHT_EA.tolist()
    weight, pos_weight = [], []
    for expression in target_B:
        for candidate in range(7):
            if expression == candidate:
                weight.append([5 * k for k in knowledge[candidate]])
                break
    for expression in target_B:
        for candidate in range(7):
            if expression == candidate:
                pos_weight.append(pos_weights[candidate])
                break
    return F.binary_cross_entropy_with_logits(
        logits_BA, labels_BA, torch.tensor(weight), pos_weight=torch.tensor(pos_weight)
    )


def loop_by_clip(logits_BA, labels_BA, target_B):
    """Clip by clip, takes the two rows and the loss of that clip; the mean at the end."""
    knowledge_EA, pos_weight_EA = torch.tensor(KNOWLEDGE_EA).float(), torch.tensor(POS_WEIGHT_EA).float()
    losses = []
    for logits_A, labels_A, expression in zip(logits_BA, labels_BA, target_B, strict=True):
        weight_A, pos_weight_A = 5 * knowledge_EA[expression], pos_weight_EA[expression]
        losses.append(F.binary_cross_entropy_with_logits(logits_A, labels_A, weight_A, pos_weight=pos_weight_A))
    return torch.stack(losses).mean()


def loop_over_rows(logits_BA, labels_BA, target_B):
    """The leanest loop: clip by clip it only picks two rows, which one criterion takes together."""
    knowledge_EA, pos_weight_EA = torch.tensor(KNOWLEDGE_EA).float(), torch.tensor(POS_WEIGHT_EA).float()
    weight = [5 * knowledge_EA[expression] for expression in target_B]
    pos_weight = [pos_weight_EA[expression] for expression in target_B]
    return F.binary_cross_entropy_with_logits(
        logits_BA, labels_BA, torch.stack(weight), pos_weight=torch.stack(pos_weight)
    )


LOOPS = [loop_by_class, loop_by_clip, loop_over_rows]


@pytest.mark.parametrize("loop", LOOPS, ids=lambda loop: loop.__name__)
def test_the_loss_equals_the_loop(loop):
    logits_BA, labels_BA, target_B = batch()
    loss, expected = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA)(logits_BA, labels_BA, target_B), loop(*batch())
    assert abs(loss.item() - expected.item()) <= 1e-6
    (gradient_BA,) = torch.autograd.grad(loss, logits_BA)
    other_BA = batch()[0]
    (expected_BA,) = torch.autograd.grad(loop(other_BA, labels_BA, target_B), other_BA)
    assert torch.allclose(gradient_BA, expected_BA, rtol=1e-5, atol=1e-8)


def seconds(function, repeats):
    """Median seconds of one call, after two calls to warm up."""
    times = []
    for _ in range(repeats + 2):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times[2:])


def test_bench_au_loss(benchmark):
    tensors, criterion = batch(), AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA)
    benchmark(criterion, *tensors)
    if benchmark.enabled:  # in one process, in alternation: the ratio does not depend on the machine's load alone
        for loop in LOOPS:
            pairs = [
                (seconds(lambda: criterion(*tensors), 40), seconds(lambda loop=loop: loop(*tensors), 4))
                for _ in range(5)
            ]
            ratio = statistics.median(slow / fast for fast, slow in pairs)
            benchmark.extra_info[loop.__name__] = round(ratio, 1)
            print(f"\nAU loss, batch {BATCH}: {ratio:.0f} times faster than {loop.__name__}", end="")
