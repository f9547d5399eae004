"""Batched augmentation: uint8 clips from the pack in, normalised float clips out.

Shapes: B batch, T frames, H W pixels, C channels (RGB). Every draw is one a clip, the same for all its frames, and
comes from the generator that is passed in, never from torch's own: a pair of runs sees the same clips.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from harness import torchvision_ops  # noqa: F401  (must come before torchvision)
from harness.data.colour_jitter import Shifts, draw_shifts, shift_colours
from harness.data.rand_augment import parse_rand_augment, rand_augment
from harness.recipe import Augmentation, Input, Jitter

from torchvision.transforms.v2 import functional as tv  # isort: skip

CROP_TRIES = 10
CACHED = 2**18  # values, 1 MiB of them


@dataclass(frozen=True)
class Mixing:
    """How a batch was mixed: clip i is `share_B[i]` of itself and the rest of clip `partner_B[i]`."""

    partner_B: torch.Tensor
    share_B: torch.Tensor


def augment(
    clip_BTHWC: torch.Tensor, augmentation: Augmentation, spec: Input, generator: torch.Generator
) -> torch.Tensor:
    """Training clips: crop and flip, RandAugment, colour jitter, normalisation, erasing; in the upstreams' order.

    uint8 (B, T, H, W, C) to float (B, T, C, size, size).
    """
    if augmentation.rand_augment:
        clip_BTHWC = rand_augment(clip_BTHWC, parse_rand_augment(augmentation.rand_augment), generator)
    box_B4 = crop_boxes(len(clip_BTHWC), (clip_BTHWC.shape[2], clip_BTHWC.shape[3]), augmentation, generator)
    flip_B = _uniform(len(clip_BTHWC), generator) < augmentation.flip
    jittered = augmentation.jitter != Jitter()
    shifts = draw_shifts(len(clip_BTHWC), augmentation.jitter, generator) if jittered else None
    out_BTHWC = clip_BTHWC.new_empty((*clip_BTHWC.shape[:2], spec.size, spec.size, 3), dtype=torch.float32)
    for rows in _portions(out_BTHWC):
        clip_BTCHW = torch.stack(
            [
                crop_and_flip(clip, box, flip, spec.size, augmentation.crop_antialias)
                for clip, box, flip in zip(clip_BTHWC[rows], box_B4[rows].tolist(), flip_B[rows].tolist(), strict=True)
            ]
        ).permute(0, 1, 4, 2, 3)
        if shifts is not None:
            clip_BTCHW = _jittered(clip_BTCHW, shifts.rows(rows))
        normalise(clip_BTCHW, spec, out_BTHWC[rows])
    clip_BTCHW = out_BTHWC.permute(0, 1, 4, 2, 3)
    if augmentation.erasing > 0:
        clip_BTCHW = _erase(clip_BTCHW, augmentation.erasing, generator)
    return clip_BTCHW


def whole_frames(clip_BTHWC: torch.Tensor, spec: Input) -> torch.Tensor:
    """Test clips: the whole frame resized (bilinear, antialiased) and normalised; uint8 BTHWC to float BTCHW."""
    return normalise(resize(clip_BTHWC, spec.size), spec)


def resize(clip_BTHWC: torch.Tensor, size: int) -> torch.Tensor:
    """Whole frames at size x size (bilinear, antialiased); uint8 (B, T, H, W, C) to uint8 (B, T, C, size, size)."""
    flat = clip_BTHWC.flatten(0, 1).permute(0, 3, 1, 2)
    if flat.shape[-1] != size:
        flat = tv.resize(flat, [size, size], interpolation=tv.InterpolationMode.BILINEAR, antialias=True)
    return flat.unflatten(0, clip_BTHWC.shape[:2])


def normalise(clip_BTCHW: torch.Tensor, spec: Input, out_BTHWC: torch.Tensor | None = None) -> torch.Tensor:
    """Pixels from 0 to 255, uint8 or float, to (x / 255 - mean) / std, channels last in memory; in `out` if given."""
    pixel_BTHWC = clip_BTCHW.permute(0, 1, 3, 4, 2)
    out_BTHWC = torch.empty(pixel_BTHWC.shape, device=clip_BTCHW.device) if out_BTHWC is None else out_BTHWC
    out_BTHWC.copy_(pixel_BTHWC)
    # A row of pixels at a time: of three channels at a time the processor's vectors would stay empty.
    row_BTHX = out_BTHWC.flatten(3)
    mean_X, std_X = (
        torch.tensor(values, device=clip_BTCHW.device).repeat(out_BTHWC.shape[3]) for values in (spec.mean, spec.std)
    )
    row_BTHX *= 1.0 / (255.0 * std_X)
    if any(spec.mean):
        row_BTHX -= mean_X / std_X
    return out_BTHWC.permute(0, 1, 4, 2, 3)


def channels_last(clip_BTCHW: torch.Tensor) -> torch.Tensor:
    """The same clip with memory in the order B T H W C, which both 2-D and 3-D convolutions take as channels-last."""
    return clip_BTCHW.permute(0, 1, 3, 4, 2).contiguous().permute(0, 1, 4, 2, 3)


def mix(
    clip_BTCHW: torch.Tensor, augmentation: Augmentation, generator: torch.Generator
) -> tuple[torch.Tensor, Mixing]:
    """Mixup or cutmix (each half of the time if both are on), one share a batch, partners in reverse order.

    The rule is timm's batch mode; a cutmix box is cut from all frames and its share is its exact area.
    """
    batch, size = clip_BTCHW.shape[0], clip_BTCHW.shape[-1]
    partner_B = torch.arange(batch - 1, -1, -1, device=clip_BTCHW.device)
    use_cutmix = augmentation.cutmix > 0 and (augmentation.mixup == 0 or _uniform(1, generator).item() < 0.5)
    share = _beta(augmentation.cutmix if use_cutmix else augmentation.mixup, generator)
    other_BTCHW = clip_BTCHW[partner_B]
    if use_cutmix:
        top, bottom, left, right = _box(share, size, generator)
        mixed = clip_BTCHW.clone()
        mixed[..., top:bottom, left:right] = other_BTCHW[..., top:bottom, left:right]
        share = 1.0 - (bottom - top) * (right - left) / size**2
    else:
        mixed = clip_BTCHW * share + other_BTCHW * (1.0 - share)
    return mixed, Mixing(partner_B, torch.full((batch,), share, device=clip_BTCHW.device))


def crop_boxes(
    batch: int, frame: tuple[int, int], augmentation: Augmentation, generator: torch.Generator
) -> torch.Tensor:
    """Random sized crops (B, 4) of a frame (H, W) in whole pixels, as the upstreams have: top, left, height, width.

    Area and aspect are uniform and width and height change places half of the time; the first of ten draws that fits in
    the frame is taken, else the whole frame; its place is uniform.
    """
    low, high = augmentation.crop_area
    area = (low + (high - low) * _uniform((batch, CROP_TRIES), generator)) * (frame[0] * frame[1])
    narrow, wide = augmentation.crop_aspect
    aspect = narrow + (wide - narrow) * _uniform((batch, CROP_TRIES), generator)
    turned = _uniform((batch, CROP_TRIES), generator) < 0.5
    aspect = torch.where(turned, 1.0 / aspect, aspect)
    size = torch.stack([(area / aspect).sqrt(), (area * aspect).sqrt()], dim=-1).round().long().clamp(min=1)
    whole = torch.tensor(frame)
    fits = (size <= whole).all(dim=-1)
    size_B2 = size[torch.arange(batch), fits.float().argmax(dim=1)]
    size_B2 = torch.where(fits.any(dim=1, keepdim=True), size_B2, whole)
    room_B2 = whole - size_B2
    corner_B2 = (_uniform((batch, 2), generator) * (room_B2 + 1)).long().minimum(room_B2)
    return torch.cat([corner_B2, size_B2], dim=1)


def crop_and_flip(clip_THWC: torch.Tensor, box: Sequence[int], flip: bool, size: int, antialias: bool) -> torch.Tensor:
    """A box (top, left, height, width) of every frame at size x size, bilinear; uint8 (T, H, W, C) before and after."""
    bilinear = tv.InterpolationMode.BILINEAR
    clip_TCHW = tv.resized_crop(clip_THWC.permute(0, 3, 1, 2), *box, [size, size], bilinear, antialias)
    clip_THWC = clip_TCHW.permute(0, 2, 3, 1)
    return clip_THWC.flip(2) if flip else clip_THWC


def _portions(out_BTHWC: torch.Tensor) -> Iterator[slice]:
    """On a CPU a few clips at a time: what one pass over the pixels writes, the next finds in the cache."""
    batch = len(out_BTHWC)
    few = CACHED * batch // max(out_BTHWC.numel(), 1) if out_BTHWC.device.type == "cpu" else batch
    for first in range(0, batch, max(few, 1)):
        yield slice(first, first + max(few, 1))


def _jittered(clip_BTCHW: torch.Tensor, shifts: Shifts) -> torch.Tensor:
    """Colours shifted; uint8 to float, both (B, T, C, H, W)."""
    plane_BCTHW = clip_BTCHW.transpose(1, 2).to(torch.float32, memory_format=torch.contiguous_format)
    shift_colours(plane_BCTHW, shifts)
    return plane_BCTHW.transpose(1, 2)


def _erase(clip_BTCHW: torch.Tensor, probability: float, generator: torch.Generator) -> torch.Tensor:
    """Random erasing with normal noise, one box for all frames: area 1/50 to 1/3, aspect 0.3 to 1/0.3 (log-uniform)."""
    batch, frames, channels, size, _ = clip_BTCHW.shape
    chosen_B = _uniform(batch, generator) < probability
    area_B = (0.02 + (1 / 3 - 0.02) * _uniform(batch, generator)) * size * size
    aspect_B = torch.exp((2.0 * _uniform(batch, generator) - 1.0) * torch.log(torch.tensor(1 / 0.3)))
    place_B2 = _uniform((batch, 2), generator)
    for clip in torch.nonzero(chosen_B).flatten().tolist():
        height = min(round(float((area_B[clip] * aspect_B[clip]).sqrt())), size - 1)
        width = min(round(float((area_B[clip] / aspect_B[clip]).sqrt())), size - 1)
        top = int(place_B2[clip, 0] * (size - height + 1))
        left = int(place_B2[clip, 1] * (size - width + 1))
        noise = torch.randn((frames, channels, height, width), generator=generator)
        clip_BTCHW[clip, :, :, top : top + height, left : left + width] = noise.to(clip_BTCHW.device)
    return clip_BTCHW


def _box(share: float, size: int, generator: torch.Generator) -> tuple[int, int, int, int]:
    half = int(size * (1.0 - share) ** 0.5) // 2
    y, x = (_uniform(2, generator) * size).long().tolist()
    return max(y - half, 0), min(y + half, size), max(x - half, 0), min(x + half, size)


def _beta(alpha: float, generator: torch.Generator) -> float:
    """One draw of Beta(alpha, alpha), from two gamma draws."""
    concentration = torch.full((2,), alpha, dtype=torch.float64)
    first, second = torch._standard_gamma(concentration, generator=generator).tolist()
    return first / max(first + second, 1e-12)


def _uniform(shape: int | tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    return torch.rand(shape, generator=generator)
