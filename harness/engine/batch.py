"""One training batch: which clips, which frames, augmented and mixed; a function of (seed, step) alone."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from harness.au.loss import mix as mix_au_labels
from harness.au.loss import mix_shares
from harness.data.augment import augment, mix
from harness.data.sampling import train_frames
from harness.engine.fold import FoldData
from harness.engine.resident import gather
from harness.engine.seeds import numpy_generator, torch_generator
from harness.manifest import RunConfig


@dataclass(frozen=True)
class Batch:
    """Clips (B, T, C, H, W), their target (B,) or as shares of a mixed batch (B, E), AU labels (B, A) and mask (B,)."""

    clip_BTCHW: torch.Tensor
    target: torch.Tensor
    au_label_BA: torch.Tensor
    au_mask_B: torch.Tensor


def make_batch(data: FoldData, config: RunConfig, step: int) -> Batch:
    """The batch of a step (from 0), on the run's device."""
    recipe, pack, device = config.recipe, data.prepared.pack, config.device
    epoch, within = divmod(step, data.steps_per_epoch(recipe.batch))
    order_N = numpy_generator(config.seed, "order", epoch).permutation(data.train_N)
    position_B = order_N[within * recipe.batch : (within + 1) * recipe.batch]
    draws = numpy_generator(config.seed, "frames", step)
    frame_BT = train_frames(recipe.sampling, pack.count_N[position_B], recipe.input.frames, draws)
    generator = torch_generator(config.seed, "augment", step)
    clip_BTCHW = augment(gather(pack, position_B, frame_BT, device), recipe.augmentation, recipe.input, generator)
    batch = Batch(
        clip_BTCHW,
        data.label_N[position_B].to(device),
        data.au_label_NA[position_B].to(device),
        data.au_mask_N[position_B].to(device),
    )
    mixes = recipe.augmentation.mixup > 0 or recipe.augmentation.cutmix > 0
    return _mixed(batch, config, generator) if mixes else batch


def _mixed(batch: Batch, config: RunConfig, generator: torch.Generator) -> Batch:
    """Clips, expressions and AU labels mixed with the same partners and shares."""
    clip_BTCHW, mixing = mix(batch.clip_BTCHW, config.recipe.augmentation, generator)
    au_label_BA, au_mask_B = mix_au_labels(batch.au_label_BA, batch.au_mask_B, mixing.partner_B, mixing.share_B)
    return Batch(clip_BTCHW, mix_shares(batch.target, mixing.partner_B, mixing.share_B), au_label_BA, au_mask_B)
