"""Train one run: the loop, its checkpoints and its record.

Every draw of a step depends on (seed, step) only (engine/seeds.py), so a run that was killed and resumed gives the same
bits as one that was not, and the arms of a pair see the same clips.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

from harness.au.loss import combine
from harness.engine import checkpoint, memory, stop
from harness.engine.batch import Batch
from harness.engine.distributed import ALONE, Ranks
from harness.engine.environment import describe
from harness.engine.evaluate import predict
from harness.engine.features import features, write_features
from harness.engine.feed import batches
from harness.engine.fold import FoldData
from harness.engine.record import write_epochs, write_predictions
from harness.engine.scores import confusion, uar, war
from harness.engine.scores import predict as predicted
from harness.engine.seeds import derive, seed_torch
from harness.engine.selection import Choice, update
from harness.engine.setup import Setup, build, prepare_machine
from harness.errors import RunError, RunStopped
from harness.files import write_text
from harness.manifest import RunConfig, SelectionRule

CHECKPOINT_SECONDS = 120.0  # at most this much work of an epoch is lost; the epoch's end always saves
LOSS_PARTS = ("loss", "expression_loss", "au_loss")
EpochReport = Callable[[dict[str, Any]], None]


@dataclass
class Progress:
    """Where a run stands: the next step (from 0), the epoch's losses so far (S, 3), past epochs, the rules' choices."""

    step: int = 0
    losses: list[torch.Tensor] = field(default_factory=list)
    seconds: float = 0.0
    input_seconds: float = 0.0
    epochs: list[dict[str, Any]] = field(default_factory=list)
    choices: Mapping[SelectionRule, Choice] = field(default_factory=dict)


def train_run(
    config: RunConfig,
    data: FoldData,
    run_dir: Path,
    on_epoch: EpochReport | None = None,
    initial: Mapping[str, torch.Tensor] | None = None,
    ranks: Ranks = ALONE,
) -> None:
    """Train `config` to its end in `run_dir`, from its checkpoint if it has one, and write its record but for DONE.

    `ranks`: one of several processes that train the run together; the first of them writes.
    Errors: RunError naming step, learning rate and parts if the loss is not finite, or the batch and the remedy if
    memory does not suffice; the record is then left unfinished.
    """
    prepare_machine(config, ranks)
    setup = build(config, data, initial, ranks)
    progress = _resume(setup, run_dir)
    if ranks.writes:
        write_text(run_dir / "environment.json", json.dumps(describe(config), sort_keys=True, indent=1) + "\n")
    with stop.patient():
        _train_epochs(setup, data, progress, run_dir, on_epoch)
    if ranks.writes:
        _write_record(setup, data, progress, run_dir)


def _train_epochs(
    setup: Setup, data: FoldData, progress: Progress, run_dir: Path, on_epoch: EpochReport | None
) -> None:
    """Train and evaluate what is left of the run, saving each epoch. RunStopped, saved, if the process is asked."""
    config = setup.config
    # An epoch that was trained but stopped while it was evaluated is still open.
    for epoch in range(len(progress.epochs), config.recipe.epochs):
        try:
            with memory.named(run_dir, config.model, config.recipe.batch, config.device):
                _train_epoch(setup, data, progress, run_dir, (epoch + 1) * setup.steps_per_epoch)
                record = _close_epoch(setup, data, progress, epoch + 1)
        except RunStopped:
            _save(setup, progress, run_dir)
            raise
        _save(setup, progress, run_dir)
        if on_epoch and setup.ranks.writes:
            on_epoch(record)


def _write_record(setup: Setup, data: FoldData, progress: Progress, run_dir: Path) -> None:
    """Epochs, predictions and, if they are asked for, features."""
    config = setup.config
    write_epochs(run_dir / "epochs.jsonl", progress.epochs)
    names = [data.prepared.pack.names[position] for position in data.test_N]
    label_N = data.label_N[data.test_N].numpy()
    write_predictions(run_dir / "predictions.parquet", config.selection, names, label_N, progress.choices)
    if config.features:
        # The model is that of the last epoch, also where a resumed run had nothing left to train.
        write_features(run_dir / "features.safetensors", names, label_N, features(setup, data))
    # The one before has done its work: hundreds of runs would keep as many gigabytes of them.
    checkpoint.before(run_dir / "checkpoint.pt").unlink(missing_ok=True)


def train_step(setup: Setup, batch: Batch, step: int) -> torch.Tensor:
    """One optimiser step; returns the losses (3,) of LOSS_PARTS, detached, on the device.

    With several ranks each trains on its part of `batch`, and losses and gradients are those of the whole.
    """
    config, part = setup.config, setup.ranks.part(batch)
    seed_torch(derive(config.seed, "step", step), config.device)
    with setup.autocast():
        logits_BE, au_logits_BA = setup.forward(part.clip_BTCHW)
        # Autocast's bf16 is widened, a float64 run stays one.
        logits_BE = logits_BE if logits_BE.dtype == torch.float64 else logits_BE.float()
        # Eq. 5 up to a constant; label smoothing is the recipe's.
        smoothing = config.recipe.label_smoothing
        expression_loss = F.cross_entropy(logits_BE, part.target, label_smoothing=smoothing)
        au_loss = _au_loss(setup, au_logits_BA, part, setup.ranks.au_share(batch.au_mask_B))
    loss = expression_loss if au_loss is None else combine(expression_loss, au_loss, setup.au_ratio)
    setup.optimizer.zero_grad(set_to_none=True)
    loss.backward()
    if config.recipe.optimizer.clip_norm:
        torch.nn.utils.clip_grad_norm_(setup.model.parameters(), config.recipe.optimizer.clip_norm)
    setup.optimizer.step()
    setup.schedule.step()
    losses = torch.stack([loss, expression_loss, loss.new_zeros(()) if au_loss is None else au_loss]).detach()
    return setup.ranks.mean(losses)


def _au_loss(
    setup: Setup, au_logits_BA: torch.Tensor | None, part: Batch, share: torch.Tensor | float
) -> torch.Tensor | None:
    """Eq. 9, or None for a baseline and for a ratio of 0, which is the baseline bit for bit."""
    if au_logits_BA is None or setup.au_loss is None:
        return None
    return setup.au_loss(au_logits_BA, part.au_label_BA, part.target, part.au_mask_B) * share


def _train_epoch(setup: Setup, data: FoldData, progress: Progress, run_dir: Path, end: int) -> None:
    """Train to step `end`, saving every CHECKPOINT_SECONDS. RunStopped, after a whole step, if the process is asked."""
    saved = time.monotonic()
    with closing(batches(data, setup.config, progress.step, end)) as coming:
        while progress.step < end:
            stop.check(setup.ranks)
            started = time.monotonic()
            lr = float(setup.schedule.get_last_lr()[-1])
            batch = next(coming)
            progress.input_seconds += time.monotonic() - started
            losses = train_step(setup, batch, progress.step)
            progress.losses.append(losses)
            progress.step += 1
            if _suspect(losses, progress.step, end):
                _check_finite(progress, setup, lr, run_dir)
            progress.seconds += time.monotonic() - started
            if time.monotonic() - saved > CHECKPOINT_SECONDS and progress.step < end:
                _save(setup, progress, run_dir)
                saved = time.monotonic()


def _suspect(losses: torch.Tensor, step: int, end: int) -> bool:
    """Whether to look at the losses now: on a GPU only now and then, since that waits for all steps so far."""
    if losses.is_cuda:
        return step % 50 == 0 or step == end
    return not bool(losses.isfinite().all())


def _check_finite(progress: Progress, setup: Setup, lr: float, run_dir: Path) -> None:
    losses_S3 = torch.stack(progress.losses)
    wrong = torch.nonzero(~torch.isfinite(losses_S3).all(dim=1)).flatten()
    if len(wrong) == 0:
        return
    first = int(wrong[0])
    step = progress.step - len(progress.losses) + first
    parts = ", ".join(f"{name} {value:.6g}" for name, value in zip(LOSS_PARTS, losses_S3[first].tolist(), strict=True))
    raise RunError(
        f"{run_dir}: loss not finite at step {step}, learning rate {lr:.3g} ({parts}); lower the learning rate"
    )


def _close_epoch(setup: Setup, data: FoldData, progress: Progress, epoch: int) -> dict[str, Any]:
    """Evaluate, apply the selection rules, and add the epoch's line."""
    started = time.monotonic()
    test_logits, test = _evaluate(setup, data, data.test_N)
    val = _evaluate(setup, data, data.val_N)[1] if len(data.val_N) else None
    progress.choices = update(
        progress.choices, setup.config.selection, epoch, test_logits, test["war"], val["war"] if val else None
    )
    loss, expression_loss, au_loss = torch.stack(progress.losses).double().mean(dim=0).tolist()
    clips = len(progress.losses) * setup.config.recipe.batch
    record = {
        "epoch": epoch,
        "step": progress.step,
        "lr": setup.schedule.get_last_lr()[-1],
        "loss": loss,
        "expression_loss": expression_loss,
        "au_loss": au_loss if setup.au_loss is not None else None,
        "val_war": val["war"] if val else None,
        "val_uar": val["uar"] if val else None,
        "test_war": test["war"],
        "test_uar": test["uar"],
        "seconds": progress.seconds,
        "input_seconds": progress.input_seconds,
        "evaluation_seconds": time.monotonic() - started,
        "clips_per_second": clips / progress.seconds if progress.seconds else math.nan,
    }
    progress.epochs.append(record)
    progress.losses, progress.seconds, progress.input_seconds = [], 0.0, 0.0
    return record


def _evaluate(setup: Setup, data: FoldData, position_N: np.ndarray) -> tuple[torch.Tensor, dict[str, float]]:
    logits_NE = predict(setup.model, data, position_N, setup.config, setup.autocast(), setup.ranks)
    confusion_EE = confusion(data.label_N[position_N].numpy(), predicted(logits_NE.numpy()))
    return logits_NE, {"war": war(confusion_EE), "uar": uar(confusion_EE)}


def _resume(setup: Setup, run_dir: Path) -> Progress:
    path = run_dir / "checkpoint.pt"
    state = checkpoint.load(path, setup.config.digest())
    setup.model.train()
    if state is None:
        return Progress()
    try:
        return _restored(setup, state)
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        raise RunError(f"{path}: not the state of this run ({checkpoint.reason(error)}); {checkpoint.AGAIN}") from error


def _restored(setup: Setup, state: Mapping[str, Any]) -> Progress:
    setup.model.load_state_dict(state["model"])
    if setup.head is not None:
        setup.head.load_state_dict(state["head"])
    setup.optimizer.load_state_dict(state["optimizer"])
    setup.schedule.load_state_dict(state["schedule"])
    choices = {rule: Choice(**choice) for rule, choice in state["choices"].items()}
    losses = [losses.to(setup.config.device) for losses in state["losses"]]
    return Progress(state["step"], losses, state["seconds"], state["input_seconds"], state["epochs"], choices)


def _save(setup: Setup, progress: Progress, run_dir: Path) -> None:
    """The step says where the sampler and every generator stand; model, optimiser and schedule say the rest."""
    if not setup.ranks.writes:
        return
    state = {
        "digest": setup.config.digest(),
        "step": progress.step,
        "losses": progress.losses,
        "seconds": progress.seconds,
        "input_seconds": progress.input_seconds,
        "epochs": progress.epochs,
        "choices": {rule: choice.state() for rule, choice in progress.choices.items()},
        "model": setup.model.state_dict(),
        "head": setup.head.state_dict() if setup.head is not None else None,
        "optimizer": setup.optimizer.state_dict(),
        "schedule": setup.schedule.state_dict(),
    }
    checkpoint.save(run_dir / "checkpoint.pt", state)
