"""What is timed on the upstream's side, by its own code: model, optimiser, data set. In a process of its own.

Shape letters: B batch, T frames, C channels, H W pixels.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch.utils.data import Dataset, default_collate

from harness.bench.ask import Ask
from harness.bench.subjects import recipe_of
from harness.data.readers import read_listing
from harness.engine.batch import Batch
from harness.manifest import load_dataset
from harness.upstream.layout import SPLITS, Parts, lay_out
from harness.upstream.modules import load
from harness.upstream.reference import Reference, reference

FOLD = 1
# Two scripts let cuDNN choose by trying, the third asks for what repeats itself; none touches TF32.
TRIES_ALGORITHMS = ("former_dfer", "mae_dfer")
# MAE-DFER's loop opens CUDA's fp16 autocast, which does nothing on a CPU; the others train in fp32 everywhere.
MIXED_ON_CUDA = ("mae_dfer",)


def upstream_of(ask: Ask) -> Reference | None:
    """The upstream's own code, or None if there is none here."""
    if ask.upstream is None:
        return None
    if ask.device != "cpu":
        # The comparison of weights hides the GPU from the upstream; one that is in use already stays visible.
        torch.cuda.init()
        torch.cuda.device_count()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    with quiet():
        theirs = reference(ask.model, Path(ask.upstream))
    # To the processes of torch.compile, too.
    os.environ.pop("CUDA_VISIBLE_DEVICES", None)
    if visible is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = visible
    return theirs


def step(theirs: Reference, ask: Ask, batch: Batch) -> Callable[[], None]:
    """A training step as shipped: its model, its optimiser, its order of axes, its precision."""
    recipe = recipe_of(ask)
    with quiet():
        model = theirs.build(recipe.input.frames)
        optimizer = theirs.trainer(model, 1).optimizer
    model.to(ask.device).train()
    clip = theirs.layout(batch.clip_BTCHW).contiguous()

    def run() -> None:
        with as_shipped(ask):
            with autocast_of(ask):
                logits_BE = model(clip)
                loss = F.cross_entropy(logits_BE, batch.target, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


def forward(theirs: Reference, ask: Ask, batch: Batch) -> Callable[[], None]:
    """A batch of test views through its model, without gradients."""
    with quiet():
        model = theirs.build(recipe_of(ask).input.frames).to(ask.device).eval()
    clip = theirs.layout(batch.clip_BTCHW).contiguous()

    def run() -> None:
        with as_shipped(ask), torch.no_grad(), autocast_of(ask):
            model(clip)

    return run


@contextlib.contextmanager
def as_shipped(ask: Ask) -> Iterator[None]:
    """PyTorch's defaults and the script's own settings for a GPU, in place of those of our engine."""
    if ask.device == "cpu":
        yield
        return
    cuda, cudnn = torch.backends.cuda, cast(Any, torch.backends.cudnn)
    kept = cuda.matmul.fp32_precision, cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision
    tries = ask.model in TRIES_ALGORITHMS
    cuda.matmul.fp32_precision, cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision = "ieee", "tf32", "tf32"
    cudnn.benchmark, cudnn.deterministic = tries, not tries
    try:
        yield
    finally:
        cuda.matmul.fp32_precision, cudnn.conv.fp32_precision, cudnn.rnn.fp32_precision = kept
        cudnn.benchmark, cudnn.deterministic = False, True


def autocast_of(ask: Ask) -> contextlib.AbstractContextManager[None]:
    """The precision that the upstream's own loop trains and tests in."""
    if ask.device != "cpu" and ask.model in MIXED_ON_CUDA:
        return torch.autocast("cuda", dtype=torch.float16)
    return contextlib.nullcontext()


def loader(ask: Ask, theirs: Reference) -> Callable[[int], list[Any]]:
    """Batches of its training data set, step by step, in this process, of the rendered faces at `ask.root`."""
    folder = ask.paths()["work"]
    listing = read_listing(load_dataset("rendered"), ask.paths()["root"])
    fold = listing.folds[FOLD]
    train, test = (tuple(listing.clips[name] for name in names) for names in (fold.train, fold.test))
    lay_out(ask.model, folder, Parts(FOLD, train, test))
    os.chdir(folder)  # the scripts look for their lists here
    with quiet():
        data = DATA_SETS[ask.model](theirs, folder)

    def batch_of(step: int) -> list[Any]:
        first = step * ask.batch
        items = [data[clip % len(train)] for clip in range(first, first + ask.batch)]
        return list(default_collate(items))

    return batch_of


def _m3dfel(theirs: Any, folder: Path) -> Dataset[Any]:
    args = theirs.args
    args.root = str(folder / "data")
    args.train_dataset = str(folder / SPLITS / "train(single-labeled)" / f"set_{FOLD}.csv")
    data: Dataset[Any] = load(Path(theirs.solver.__file__).parent, "datasets").DFEWDataset(args, "train")
    return data


def _former_dfer(theirs: Any, folder: Path) -> Dataset[Any]:
    data: Dataset[Any] = theirs.main.train_data_loader(data_set=FOLD)
    return data


def _mae_dfer(theirs: Any, folder: Path) -> Dataset[Any]:
    args = theirs._args(16)
    args.data_path, args.short_side_size = "lists", args.input_size
    data: Dataset[Any] = theirs.main.build_dataset(is_train=True, test_mode=False, args=args)[0]
    return data


DATA_SETS: dict[str, Callable[[Any, Path], Dataset[Any]]] = {
    "m3dfel": _m3dfel,
    "former_dfer": _former_dfer,
    "mae_dfer": _mae_dfer,
}


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """What the scripts print is not for the answer."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere, contextlib.redirect_stdout(nowhere):
        yield
