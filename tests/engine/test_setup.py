"""Options of a run: compiled steps and exact fp32, and how they stand in its configuration."""

import json
from typing import Any

import pytest
import torch

from harness.data.prepare import Prepared
from harness.engine.batch import make_batch
from harness.engine.fold import load_fold
from harness.engine.setup import build, prepare_machine
from harness.engine.train import train_step


def with_recipe(config: Any, **keys: Any) -> Any:
    return config.model_copy(update={"recipe": config.recipe.model_copy(update=keys)})


def test_options_at_their_default_are_not_in_the_configuration(make_config: Any) -> None:
    config = make_config("m3dfel", "baseline")
    assert not {"compile", "gradient_checkpointing"} & set(json.loads(config.canonical_json())["recipe"])
    for option, value in (("compile", "max-autotune"), ("gradient_checkpointing", True)):
        asked = with_recipe(config, **{option: value})
        assert json.loads(asked.canonical_json())["recipe"][option] == value
        assert asked.digest() != config.digest()
        assert type(asked).model_validate_json(asked.canonical_json()) == asked


def test_a_step_is_compiled_or_computed_again_but_not_both(make_config: Any) -> None:
    """torch.compile takes no context of ours around what is computed again."""
    both = with_recipe(make_config("m3dfel", "baseline"), compile="default", gradient_checkpointing=True)
    with pytest.raises(ValueError, match="compile and gradient_checkpointing exclude one another"):
        type(both).model_validate_json(both.canonical_json())


def test_nothing_is_compiled_unless_asked(
    make_config: Any, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "compile", lambda *_, **__: pytest.fail("compiled"))
    config = make_config("m3dfel", "au-global")
    assert build(config, load_fold(prepared, config)).parallel is None


def test_what_is_compiled_is_model_and_head_and_the_step_calls_it(
    make_config: Any, prepared: Prepared, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What torch.compile makes is the same function; here it hands back what it was given, and counts its calls."""
    asked: list[Any] = []
    called: list[int] = []

    def handed_back(module: Any, **options: Any) -> Any:
        asked.append(options)
        module.register_forward_pre_hook(lambda *_: called.append(1))
        return module

    monkeypatch.setattr(torch, "compile", handed_back)
    config = make_config("mae_dfer", "au-global")
    prepare_machine(config)
    data, losses = load_fold(prepared, config), []
    for mode in ("off", "max-autotune"):
        setup = build(with_recipe(config, compile=mode), data)
        setup.model.train()
        losses.append(train_step(setup, make_batch(data, config, 0), 0))
    assert asked == [{"mode": "max-autotune", "dynamic": False}]
    assert len(called) == 1
    assert torch.equal(losses[0], losses[1])
    assert losses[1][2] > 0


@pytest.mark.parametrize(("precision", "kind"), [("bf16", "tf32"), ("fp32", "ieee")])
def test_fp32_on_a_gpu_is_fp32(precision: str, kind: str, make_config: Any) -> None:
    prepare_machine(make_config("m3dfel", "baseline", precision=precision))
    assert torch.backends.cuda.matmul.fp32_precision == kind
    assert torch.backends.cudnn.conv.fp32_precision == kind
    assert torch.backends.cudnn.rnn.fp32_precision == kind


@pytest.mark.gpu
@pytest.mark.filterwarnings("ignore")  # Inductor and Triton have many
@pytest.mark.parametrize("mode", ["default", "reduce-overhead"])
@pytest.mark.parametrize("model", ["m3dfel", "former_dfer", "mae_dfer"])
def test_a_compiled_step_on_a_gpu_is_the_step(model: str, mode: str, make_config: Any, prepared: Prepared) -> None:
    if not torch.cuda.is_available():
        pytest.skip("this machine has no CUDA device")
    config = make_config(model, "au-global", device="cuda")
    prepare_machine(config)
    data, losses = load_fold(prepared, config), []
    for asked in ("off", mode):
        setup = build(with_recipe(config, compile=asked), data)
        setup.model.train()
        losses.append(torch.stack([train_step(setup, make_batch(data, config, step), step) for step in range(4)]))
    torch.testing.assert_close(losses[1], losses[0], rtol=1e-3, atol=1e-3)
