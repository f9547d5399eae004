"""Evaluation: the model alone, in inference mode, on the same frames every time."""

from typing import Any

import numpy as np
import pytest
import torch

from harness.data.prepare import Prepared
from harness.engine import evaluate
from harness.engine.evaluate import eval_batch, predict
from harness.engine.fold import load_fold
from harness.engine.setup import build


def test_the_au_head_has_no_part(make_config: Any, prepared: Prepared, monkeypatch: pytest.MonkeyPatch) -> None:
    config = make_config("former_dfer", "au-global")
    data = load_fold(prepared, config)
    setup = build(config, data)
    assert setup.head is not None
    monkeypatch.setattr(setup.head, "forward", lambda: pytest.fail("the AU head was called"))
    logits_NE = predict(setup.model, data, data.test_N, config, setup.autocast())
    alone = build(make_config("former_dfer", "baseline"), data)
    assert torch.equal(logits_NE, predict(alone.model, data, data.test_N, config, alone.autocast()))
    assert setup.head._keeper.feature is None


def test_no_graph_is_kept(make_config: Any, prepared: Prepared) -> None:
    config = make_config("m3dfel", "baseline")
    data = load_fold(prepared, config)
    setup = build(config, data)
    seen: list[torch.Tensor] = []
    setup.model.register_forward_hook(lambda module, inputs, logits_BE: seen.append(logits_BE))
    predict(setup.model, data, data.test_N, config, setup.autocast())
    assert all(logits_BE.is_inference() for logits_BE in seen)


@pytest.mark.parametrize("test", ["centre", "upstream"])
def test_frames_are_resized_once_and_logits_stay(
    test: str, make_config: Any, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """M3DFEL's own rule draws its test frames; every evaluation of a run draws the same."""
    config = make_config("m3dfel", "baseline")
    sampling = config.recipe.sampling.model_copy(update={"test": test, "jitter": "upstream"})
    config = config.model_copy(update={"recipe": config.recipe.model_copy(update={"sampling": sampling})})
    data, resized, original = load_fold(prepared, config), [], evaluate.resize
    monkeypatch.setattr(evaluate, "resize", lambda *arguments: resized.append(1) or original(*arguments))
    setup = build(config, data)
    first, second = (predict(setup.model, data, data.test_N, config, setup.autocast()) for _ in range(2))
    assert torch.equal(first, second)
    assert len(resized) == 1
    monkeypatch.setattr(evaluate, "RESIZED_BYTES", 0)
    anew = load_fold(prepared, config)
    assert torch.equal(first, predict(setup.model, anew, data.test_N, config, setup.autocast()))
    assert not anew.resized


def test_two_views_are_the_mean_of_their_soft_max(make_config: Any, prepared: Prepared) -> None:
    config = make_config("mae_dfer", "baseline")
    sampling = config.recipe.sampling.model_copy(update={"test_segments": 2})
    two = config.model_copy(update={"recipe": config.recipe.model_copy(update={"sampling": sampling})})
    data = load_fold(prepared, config)
    setup = build(config, data)
    seen: list[torch.Tensor] = []
    setup.model.register_forward_hook(lambda module, inputs, logits_BE: seen.append(logits_BE.clone()))
    both_NE = predict(setup.model, data, data.test_N, two, setup.autocast())
    first_NE, second_NE = seen
    expected_NE = (first_NE.double().softmax(dim=1) + second_NE.double().softmax(dim=1)) / 2
    torch.testing.assert_close(both_NE.double().softmax(dim=1), expected_NE, rtol=1e-5, atol=1e-7)


def test_where_memory_does_not_suffice_the_batch_is_halved(make_config: Any, prepared: Prepared) -> None:
    config = make_config("mae_dfer", "baseline")
    data = load_fold(prepared, config)
    setup = build(config, data)
    expected_NE = predict(setup.model, data, data.test_N, config, setup.autocast())
    sizes: list[int] = []

    def small(module: Any, inputs: Any) -> None:
        sizes.append(len(inputs[0]))
        if len(inputs[0]) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")

    setup.model.register_forward_pre_hook(small)
    found_NE = predict(setup.model, data, data.test_N, config, setup.autocast())
    assert sizes == [16, 8, 4, 4, 4, 4]
    torch.testing.assert_close(found_NE, expected_NE, rtol=1e-4, atol=1e-5)
    assert np.array_equal(found_NE.argmax(dim=1), expected_NE.argmax(dim=1))


def test_a_gpu_takes_more_clips_at_a_time() -> None:
    assert eval_batch("cuda:1") > eval_batch("cpu")
