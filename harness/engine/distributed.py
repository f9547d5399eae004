"""One run trained by several processes (ranks), each on a part of every batch, as one process would have trained it.

Every rank makes the whole batch of a step, with the draws that one process would have made, and trains on its own rows
of it. Losses are means over the whole batch, batch normalisation takes the statistics of the whole batch, and the
gradients that DistributedDataParallel averages are those of one process up to rounding. At evaluation every rank takes
whole batches, so that each clip is counted once and a clip's logits are the bits that one process gives.

Shape letters: B batch, T frames, C channels, H W pixels, E expressions, A action units.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from harness.au.head import AUHead
from harness.engine.batch import Batch
from harness.engine.batch_norm import over_all_ranks
from harness.engine.device import check_device
from harness.errors import HarnessError

PATIENCE = timedelta(minutes=30)  # for a rank that is behind: the first reads weights while others wait, say


@dataclass(frozen=True)
class Ranks:
    """This process's place among those that train one run: its number from 0, and how many there are."""

    rank: int = 0
    world: int = 1

    @property
    def writes(self) -> bool:
        """Whether this process writes records and checkpoints: the first alone does."""
        return self.rank == 0

    def rows(self, batch: int) -> slice:
        """This rank's rows of a batch, which the ranks share out evenly, in order."""
        share = batch // self.world
        return slice(self.rank * share, (self.rank + 1) * share)

    def part(self, batch: Batch) -> Batch:
        """This rank's rows of a batch of the whole run."""
        if self.world == 1:
            return batch
        rows = self.rows(len(batch.au_mask_B))
        return Batch(batch.clip_BTCHW[rows], batch.target[rows], batch.au_label_BA[rows], batch.au_mask_B[rows])

    def au_share(self, au_mask_B: torch.Tensor) -> torch.Tensor | float:
        """Factor on the AU loss of this rank's rows, so that the ranks' mean is the AU loss of the whole batch.

        AULoss (Eq. 9) is a mean over the clips that have an AU label, of which the ranks' rows hold different numbers.
        au_mask_B: of the whole batch. No synchronisation with the device.
        """
        if self.world == 1:
            return 1.0
        own = au_mask_B[self.rows(len(au_mask_B))].sum().clamp(min=1)
        return own * self.world / au_mask_B.sum().clamp(min=1)

    def mean(self, values: torch.Tensor) -> torch.Tensor:
        """Mean over the ranks, the same bits on each; `values` are detached."""
        if self.world > 1:
            dist.all_reduce(values)
            values /= self.world
        return values

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on one of the ranks, the same answer on each."""
        if self.world == 1:
            return flag
        count = torch.tensor(int(flag))
        dist.all_reduce(count)
        return bool(count)

    def takes(self, index: int) -> bool:
        """Whether the evaluation batch `index` is this rank's."""
        return index % self.world == self.rank

    def gather(self, batches: Sequence[torch.Tensor | None], lengths: Sequence[int], columns: int) -> torch.Tensor:
        """All evaluation batches, in order and on every rank, of which each rank has those that it `takes`.

        Float32 on the CPU, (sum of lengths, columns). Whole tensors are sent as they are: no sum, no padding.
        """
        whole = []
        for index, (batch, length) in enumerate(zip(batches, lengths, strict=True)):
            tensor = torch.empty(length, columns) if batch is None else batch.float().cpu()
            if self.world > 1:
                dist.broadcast(tensor, src=index % self.world)
            whole.append(tensor)
        return torch.cat(whole)


ALONE = Ranks()


class Both(nn.Module):
    """Model and AU head (None: none) as one module, so that one DistributedDataParallel sees all parameters."""

    def __init__(self, model: nn.Module, head: AUHead | None) -> None:
        super().__init__()
        self.model, self.head = model, head

    def forward(self, clip_BTCHW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """logits_BE and, with a head, au_logits_BA."""
        logits_BE = self.model(clip_BTCHW)
        return logits_BE, None if self.head is None else self.head()


def in_step(model: nn.Module, head: AUHead | None, device: str, ranks: Ranks) -> nn.Module:
    """`Both` for training: with more than one rank, gradients are averaged over them. Collective.

    `model` must have gone through `as_one`. `head` is None too where the AU ratio is 0 and no gradient reaches it.
    """
    both = Both(model, head)
    if ranks.world == 1:
        return both
    devices = [torch.cuda.current_device()] if device.startswith("cuda") else None
    # The ranks' buffers are the same already. torch 2.13 calls the option by another name.
    known = inspect.signature(DistributedDataParallel.__init__).parameters
    options: dict[str, Any] = {"device_ids": devices, "gradient_as_bucket_view": True}
    options["forward_sync_buffers" if "forward_sync_buffers" in known else "broadcast_buffers"] = False
    return DistributedDataParallel(both, **options)


def as_one(model: nn.Module, device: str, ranks: Ranks) -> nn.Module:
    """The model with statistics and draws of the whole batch: batch normalisation, and stochastic depth's rows."""
    if ranks.world == 1:
        return model
    for module in model.modules():
        if hasattr(module, "part_of_batch"):
            module.part_of_batch = (ranks.rank, ranks.world)  # type: ignore[assignment]
    return over_all_ranks(model, device)


@contextmanager
def joined(device: str) -> Iterator[Ranks]:
    """Join the other ranks, as the variables of torch's elastic launch (torchrun) say; leave them at the end.

    On an error the connections stay until the process ends: the other ranks break off behind it, not before.
    On a GPU each rank takes the one of its number. HarnessError if there are fewer.
    """
    with_cuda = device.startswith("cuda")
    if with_cuda:
        _take_gpu()
    dist.init_process_group("cpu:gloo,cuda:nccl" if with_cuda else "gloo", timeout=PATIENCE)
    yield Ranks(dist.get_rank(), dist.get_world_size())
    dist.destroy_process_group()


def _take_gpu() -> None:
    local, needed, there = int(os.environ["LOCAL_RANK"]), int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
    check_device("cuda")
    if there < needed:
        raise HarnessError(f"--nproc {needed}: this machine has {there} CUDA devices; give --nproc {there}")
    torch.cuda.set_device(local)
