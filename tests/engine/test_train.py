"""Training: pairs share all, a ratio of 0 is the baseline, a resumed run gives the same bits, faults are named."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from torch.utils import backend_registration
from torch.utils._python_dispatch import TorchDispatchMode

from harness.data.prepare import Prepared
from harness.engine import train
from harness.engine.batch import make_batch
from harness.engine.fold import load_fold
from harness.engine.setup import build
from harness.engine.train import train_run, train_step
from harness.errors import DataError, HarnessError, RunError

MODELS = ("m3dfel", "former_dfer", "mae_dfer")


def finished(config: Any, prepared: Prepared, folder: Path, name: str = "run") -> Path:
    run_dir = folder / name
    run_dir.mkdir()
    train_run(config, load_fold(prepared, config), run_dir)
    return run_dir


def losses(config: Any, prepared: Prepared, steps: int) -> tuple[torch.Tensor, dict[str, torch.Tensor]]:
    data = load_fold(prepared, config)
    setup = build(config, data)
    setup.model.train()
    course = torch.stack([train_step(setup, make_batch(data, config, step), step) for step in range(steps)])
    return course, setup.model.state_dict()


@pytest.mark.parametrize("model", MODELS)
def test_a_ratio_of_zero_is_the_baseline_bit_for_bit(model: str, make_config: Any, prepared: Prepared) -> None:
    baseline, weights = losses(make_config(model, "baseline"), prepared, 5)
    zero, weights_of_zero = losses(make_config(model, "au-distinct", ratio=0.0), prepared, 5)
    assert torch.equal(baseline[:, :2], zero[:, :2])
    assert all(torch.equal(weights[name], weights_of_zero[name]) for name in weights)


@pytest.mark.parametrize("model", MODELS)
def test_arms_of_a_pair_start_alike_and_part_with_the_au_loss(model: str, make_config: Any, prepared: Prepared) -> None:
    baseline, weights = losses(make_config(model, "baseline"), prepared, 4)
    au, weights_of_au = losses(make_config(model, "au-global"), prepared, 4)
    assert baseline[0, 1] == au[0, 1]
    assert au[0, 2] > 0
    assert any(not torch.equal(weights[name], weights_of_au[name]) for name in weights)


class NothingIsRead(TorchDispatchMode):
    """Fails at any operation whose outcome the processor must know to go on: on a GPU it would wait for all before."""

    WAITS = ("_local_scalar_dense", "nonzero", "equal", "is_nonzero", "masked_select", "unique", "bincount")

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert not name.startswith(self.WAITS), f"{name} reads a value"
        return func(*args, **(kwargs or {}))


def test_a_value_that_is_read_is_found() -> None:
    with NothingIsRead(), pytest.raises(AssertionError, match="_local_scalar_dense"):
        torch.ones(1).sum().item()


@pytest.mark.parametrize("arm", ["baseline", "au-distinct"])
@pytest.mark.parametrize("model", MODELS)
def test_a_step_does_not_wait_for_the_device(model: str, arm: str, make_config: Any, prepared: Prepared) -> None:
    config = make_config(model, arm)
    mixed = config.recipe.augmentation.model_copy(update={"mixup": 0.8, "cutmix": 1.0})
    clipped = config.recipe.optimizer.model_copy(update={"clip_norm": 1.0})
    recipe = config.recipe.model_copy(update={"augmentation": mixed, "optimizer": clipped})
    for one in (config, config.model_copy(update={"recipe": recipe})):
        data = load_fold(prepared, one)
        setup, batch = build(one, data), make_batch(data, one, 0)
        setup.model.train()
        with NothingIsRead():
            train_step(setup, batch, 0)


@pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this PyTorch cannot make up a device",
)
def test_every_tensor_of_a_step_lies_on_the_device() -> None:
    """On one that does not exist, so that the code for GPUs is held to it everywhere; a process of its own."""
    script = [sys.executable, str(Path(__file__).with_name("elsewhere.py"))]
    said = subprocess.run(script, capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.endswith(": losses on elsewhere:0") for line in said] == 6 * [True] + [False]
    assert "misplaced" in said[-1]
    assert "found at least two devices, cpu and elsewhere:0" in said[-1]


def test_the_loss_is_eq_10(make_config: Any, prepared: Prepared) -> None:
    course, _ = losses(make_config("mae_dfer", "au-minor", ratio=0.4), prepared, 3)
    torch.testing.assert_close(course[:, 0], 0.6 * course[:, 1] + 0.4 * course[:, 2])


def test_a_run_learns_its_training_clips(make_config: Any, prepared: Prepared) -> None:
    config = make_config("mae_dfer", "baseline", epochs=12)
    course, _ = losses(config, prepared, 12 * load_fold(prepared, config).steps_per_epoch(8))
    assert course[-7:, 0].mean() < course[:7, 0].mean() - 0.4


class Killed(BaseException):
    """Stands for kill -9: nothing in the loop may catch it."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Any, Prepared], Path]:
    """undisturbed(config, prepared): the undisturbed run of the configuration's model, carried out once."""
    runs: dict[str, Path] = {}

    def of(config: Any, prepared: Prepared) -> Path:
        if config.model not in runs:
            runs[config.model] = finished(config, prepared, tmp_path_factory.mktemp(config.model))
        return runs[config.model]

    return of


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("step", [1, 7, 12])
def test_a_run_killed_at_any_step_and_resumed_gives_the_same_bits(
    model: str,
    step: int,
    undisturbed: Callable[[Any, Prepared], Path],
    make_config: Any,
    prepared: Prepared,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = make_config(model, "au-distinct")
    whole = undisturbed(config, prepared)
    original = train.train_step

    def killed_at(setup: Any, batch: Any, at: int) -> torch.Tensor:
        if at == step:
            raise Killed
        return original(setup, batch, at)

    # A checkpoint after every step: wherever the kill falls, the run goes on from the step before.
    monkeypatch.setattr(train, "CHECKPOINT_SECONDS", -1.0)
    monkeypatch.setattr(train, "train_step", killed_at)
    with pytest.raises(Killed):
        finished(config, prepared, tmp_path, "killed")
    monkeypatch.setattr(train, "train_step", original)
    train_run(config, load_fold(prepared, config), tmp_path / "killed")
    same = ["predictions.parquet"]
    assert [(whole / name).read_bytes() == (tmp_path / "killed" / name).read_bytes() for name in same] == [True]
    lines = [
        [json.loads(line) for line in (run / "epochs.jsonl").read_text().splitlines()]
        for run in (whole, tmp_path / "killed")
    ]
    for one, other in zip(*lines, strict=True):
        assert {k: v for k, v in one.items() if "second" not in k} == {
            k: v for k, v in other.items() if "second" not in k
        }


def test_the_record_holds_every_rule_and_every_test_clip(make_config: Any, prepared: Prepared, tmp_path: Path) -> None:
    config = make_config("m3dfel", "au-global")
    run_dir = finished(config, prepared, tmp_path)
    frame = pd.read_parquet(run_dir / "predictions.parquet")
    assert frame.groupby("rule", observed=True).size().to_dict() == dict.fromkeys(config.selection, 16)
    assert set(frame["clip"]) == set(prepared.folds[1].test)
    assert frame["label"].tolist() == [
        int(prepared.pack.label_N[prepared.pack.positions([c])[0]]) for c in frame["clip"]
    ]
    epochs = [json.loads(line) for line in (run_dir / "epochs.jsonl").read_text().splitlines()]
    assert [line["epoch"] for line in epochs] == [1, 2]
    last = frame[frame["rule"] == "last"]
    war = np.mean(last.iloc[:, 4:].to_numpy().argmax(axis=1) == last["label"])
    assert epochs[-1]["test_war"] == pytest.approx(war)


def test_a_loss_that_is_not_finite_names_step_rate_and_parts(
    make_config: Any, prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.au.loss import AULoss

    original, calls = AULoss.forward, []

    def overflowing(self: AULoss, *arguments: Any) -> torch.Tensor:
        calls.append(1)
        return original(self, *arguments) * (float("inf") if len(calls) == 4 else 1.0)

    monkeypatch.setattr(AULoss, "forward", overflowing)
    with pytest.raises(
        RunError, match=r"not finite at step 3, learning rate .* \(loss inf, expression_loss \d.*au_loss inf\)"
    ):
        finished(make_config("mae_dfer", "au-global"), prepared, tmp_path)
    assert not (tmp_path / "run" / "predictions.parquet").exists()


def test_a_checkpoint_that_cannot_be_read_is_named(make_config: Any, prepared: Prepared, tmp_path: Path) -> None:
    config = make_config("mae_dfer", "baseline")
    (tmp_path / "checkpoint.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(RunError, match=r"checkpoint\.pt: checkpoint cannot be read"):
        train_run(config, load_fold(prepared, config), tmp_path)


def test_a_checkpoint_of_another_configuration_is_refused(make_config: Any, prepared: Prepared, tmp_path: Path) -> None:
    run_dir = finished(make_config("mae_dfer", "baseline"), prepared, tmp_path)
    other = make_config("mae_dfer", "baseline", seed=1)
    with pytest.raises(RunError, match="another configuration"):
        train_run(other, load_fold(prepared, other), run_dir)


def test_a_device_that_is_not_there_is_named(make_config: Any, prepared: Prepared, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    config = make_config("mae_dfer", "baseline", device="cuda:0")
    with pytest.raises(HarnessError, match=r"device cuda:0: .*; run with --device cpu"):
        train_run(config, load_fold(prepared, config), tmp_path)


def test_a_fold_smaller_than_a_batch_is_named(make_config: Any, prepared: Prepared) -> None:
    config = make_config("mae_dfer", "baseline")
    large = config.model_copy(update={"recipe": config.recipe.model_copy(update={"batch": 500})})
    with pytest.raises(DataError, match="do not fill a batch of 500"):
        load_fold(prepared, large)


def test_mixed_batches_train(make_config: Any, prepared: Prepared) -> None:
    config = make_config("mae_dfer", "au-distinct")
    augmentation = config.recipe.augmentation.model_copy(update={"mixup": 0.8, "cutmix": 1.0, "erasing": 0.25})
    mixed = config.model_copy(update={"recipe": config.recipe.model_copy(update={"augmentation": augmentation})})
    course, _ = losses(mixed, prepared, 3)
    assert torch.isfinite(course).all()


@pytest.mark.parametrize("model", MODELS)
def test_bf16_stays_near_fp32(model: str, make_config: Any, prepared: Prepared) -> None:
    """The first steps; engine/bf16.py beside this file trains a whole run both ways."""
    fp32, _ = losses(make_config(model, "au-global"), prepared, 2)
    bf16, _ = losses(make_config(model, "au-global", precision="bf16"), prepared, 2)
    assert not torch.equal(bf16, fp32)
    torch.testing.assert_close(bf16, fp32, rtol=0.02, atol=0.0)


def test_test_clips_never_train(make_config: Any, prepared: Prepared) -> None:
    data = load_fold(prepared, make_config("mae_dfer", "baseline"))
    assert not set(data.train_N) & set(data.test_N)
    assert not set(data.train_N) & set(data.val_N)
    assert not set(data.val_N) & set(data.test_N)


def test_want_of_memory_names_batch_and_remedy(
    make_config: Any, prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_large(setup: Any, batch: Any, step: int) -> torch.Tensor:
        return torch.empty(10**15)

    monkeypatch.setattr(train, "train_step", too_large)
    with pytest.raises(RunError, match=r"run: out of memory at batch 8 on cpu; lower it with --set mae_dfer\.batch=4,"):
        finished(make_config("mae_dfer", "baseline"), prepared, tmp_path)
    assert not (tmp_path / "run" / "predictions.parquet").exists()
