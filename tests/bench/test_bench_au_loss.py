"""The AU loss against loops over the batch that build the same weights (harness/bench/criterion.py).

python -m pytest tests/bench/test_bench_au_loss.py --benchmark-enable -s
"""

import pytest
import torch
from pytest_benchmark.fixture import BenchmarkFixture
from tabulate import tabulate

from harness.au import AULoss
from harness.bench.criterion import LOOPS, matrices, measure, random_logits
from harness.bench.lines import rows

ROUNDS = 11


@pytest.fixture(autouse=True)
def one_thread():
    """Operations this small gain nothing from a second thread and wait for it where the machine is busy."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", LOOPS)
def test_the_loss_equals_the_loop(name: str) -> None:
    logits_BA, labels_BA, target_B = random_logits()
    expected = LOOPS[name](*matrices())(*random_logits())
    loss = AULoss(*matrices())(logits_BA, labels_BA, target_B)
    assert abs(loss.item() - expected.item()) <= 1e-6
    (gradient_BA,) = torch.autograd.grad(loss, logits_BA)
    other_BA = random_logits()[0]
    (expected_BA,) = torch.autograd.grad(LOOPS[name](*matrices())(other_BA, labels_BA, target_B), other_BA)
    assert torch.allclose(gradient_BA, expected_BA, rtol=1e-5, atol=1e-8)


def test_bench_au_loss(benchmark: BenchmarkFixture) -> None:
    tensors, criterion = random_logits(), AULoss(*matrices())
    benchmark(criterion, *tensors)
    if benchmark.enabled:  # in one process, in alternation: the ratio does not depend on the machine's load alone
        lines = measure(ROUNDS, seed=0)
        benchmark.extra_info |= {line.figure: line.value.median for line in lines if line.value}
        print("\n" + tabulate(rows(lines), headers="keys", disable_numparse=True))
