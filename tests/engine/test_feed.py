"""Batches made ahead are those made in turn."""

from typing import Any

import pytest
import torch

from harness.data.prepare import Prepared
from harness.engine.batch import make_batch
from harness.engine.feed import AHEAD, ahead, batches
from harness.engine.fold import load_fold


def test_batches_made_ahead_are_those_made_in_turn(make_config: Any, prepared: Prepared) -> None:
    config = make_config("mae_dfer", "au-global")
    data = load_fold(prepared, config)
    torch.manual_seed(5)  # what a step does to torch's own generator reaches no batch
    made = list(ahead(lambda step: make_batch(data, config, step), 3, 8))
    assert len(made) == 5
    for step, batch in enumerate(made, start=3):
        expected = make_batch(data, config, step)
        assert torch.equal(batch.clip_BTCHW, expected.clip_BTCHW)
        assert torch.equal(batch.target, expected.target)
        assert torch.equal(batch.au_label_BA, expected.au_label_BA)


@pytest.mark.parametrize("count", [0, 1, AHEAD, AHEAD + 3])
def test_every_step_has_its_turn(count: int) -> None:
    made: list[int] = []
    taken = list(ahead(lambda step: made.append(step) or pack_of(step), 10, 10 + count))  # type: ignore[func-returns-value]
    assert [int(batch.target) for batch in taken] == made == list(range(10, 10 + count))


def test_no_more_is_made_ahead_than_said() -> None:
    made: list[int] = []
    coming = ahead(lambda step: made.append(step) or pack_of(step), 0, 100)  # type: ignore[func-returns-value]
    next(coming)
    coming.close()
    assert len(made) <= 1 + AHEAD


def test_an_error_comes_at_its_step() -> None:
    def make(step: int) -> Any:
        if step == 2:
            raise MemoryError("no room")
        return pack_of(step)

    coming = ahead(make, 0, 9)
    assert [int(next(coming).target) for _ in range(2)] == [0, 1]
    with pytest.raises(MemoryError, match="no room"):
        next(coming)


@pytest.mark.gpu
def test_batches_on_a_gpu_are_those_of_the_cpu(make_config: Any, prepared: Prepared) -> None:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no CUDA device")
    config = make_config("m3dfel", "au-global")
    data = load_fold(prepared, config)
    for step, batch in enumerate(batches(data, config.model_copy(update={"device": "cuda"}), 0, 4)):
        expected = make_batch(data, config, step)
        # The same draws; a byte is rounded in another way by a GPU's resize, and jitter stretches that.
        difference = (batch.clip_BTCHW.cpu() - expected.clip_BTCHW).abs()
        assert difference.max() < 0.05
        assert difference.mean() < 0.002
        assert torch.equal(batch.target.cpu(), expected.target)


def pack_of(step: int) -> Any:
    from harness.engine.batch import Batch

    nothing = torch.zeros(0)
    return Batch(nothing, torch.tensor(step), nothing, nothing)
