"""RandAugment for a clip: timm's policy strings and magnitudes, one draw of operations for all frames of a clip.

Reference: Cubuk et al. 2020; the policy language and the 0-10 magnitude scale are timm's (timm/data/auto_augment.py).
T frames, H W pixels, C channels.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import torch

from harness import torchvision_ops  # noqa: F401  (must come before torchvision)
from harness.errors import ManifestError

from torchvision.transforms.v2 import functional as tv  # isort: skip

MAX_MAGNITUDE = 10.0
APPLY_PROBABILITY = 0.5
FILL = [128.0, 128.0, 128.0]


@dataclass(frozen=True)
class RandAugment:
    """`layers` operations a clip of magnitude N(`magnitude`, `spread`), from 0 to 10; more is further from identity."""

    magnitude: float
    layers: int
    spread: float


def parse_rand_augment(policy: str) -> RandAugment:
    """Read `rand-m7-n4-mstd0.5-inc1`; ManifestError on anything else."""
    match = re.fullmatch(r"rand-m(\d+)-n(\d+)-mstd([\d.]+)-inc1", policy)
    if not match:
        raise ManifestError(
            f"rand_augment {policy!r}: not of the form rand-m<int>-n<int>-mstd<float>-inc1; mend the policy"
        )
    return RandAugment(float(match[1]), int(match[2]), float(match[3]))


def rand_augment(clip_THWC: torch.Tensor, policy: RandAugment, generator: torch.Generator) -> torch.Tensor:
    """Apply `policy.layers` random operations, each with probability one half, to a uint8 clip (T, H, W, C)."""
    clip_TCHW = clip_THWC.permute(0, 3, 1, 2)
    names = list(OPERATIONS)
    for choice in torch.randint(len(names), (policy.layers,), generator=generator).tolist():
        applied, sign = torch.rand(2, generator=generator).tolist()
        level = policy.magnitude + policy.spread * torch.randn(1, generator=generator).item()
        strength = min(max(level / MAX_MAGNITUDE, 0.0), 1.0)
        if applied < APPLY_PROBABILITY:
            clip_TCHW = OPERATIONS[names[choice]](clip_TCHW, strength, 1.0 if sign < 0.5 else -1.0)
    return clip_TCHW.permute(0, 2, 3, 1)


def _affine(
    clip: torch.Tensor, angle: float = 0.0, shift: tuple[int, int] = (0, 0), shear: tuple[float, float] = (0, 0)
) -> torch.Tensor:
    return tv.affine(
        clip,
        angle=angle,
        translate=list(shift),
        scale=1.0,
        shear=list(shear),
        interpolation=tv.InterpolationMode.BILINEAR,
        fill=FILL,
    )


def _shear_degrees(strength: float, sign: float) -> float:
    return float(torch.rad2deg(torch.atan(torch.tensor(0.3 * strength * sign))))


def _enhance(strength: float, sign: float) -> float:
    return max(0.1, 1.0 + 0.9 * strength * sign)


def _solarize_add(clip: torch.Tensor, strength: float, sign: float) -> torch.Tensor:
    raised = (clip.int() + int(110 * strength)).clamp(max=255).to(torch.uint8)
    return torch.where(clip < 128, raised, clip)


OPERATIONS: dict[str, Callable[[torch.Tensor, float, float], torch.Tensor]] = {
    "auto_contrast": lambda clip, strength, sign: tv.autocontrast(clip),
    "equalize": lambda clip, strength, sign: tv.equalize(clip.contiguous()),
    "invert": lambda clip, strength, sign: tv.invert(clip),
    "rotate": lambda clip, strength, sign: _affine(clip, angle=30.0 * strength * sign),
    "posterize": lambda clip, strength, sign: tv.posterize(clip, bits=4 - int(4 * strength)),
    "solarize": lambda clip, strength, sign: tv.solarize(clip, threshold=256 - int(256 * strength)),
    "solarize_add": _solarize_add,
    "color": lambda clip, strength, sign: tv.adjust_saturation(clip, _enhance(strength, sign)),
    "contrast": lambda clip, strength, sign: tv.adjust_contrast(clip, _enhance(strength, sign)),
    "brightness": lambda clip, strength, sign: tv.adjust_brightness(clip, _enhance(strength, sign)),
    "sharpness": lambda clip, strength, sign: tv.adjust_sharpness(clip, _enhance(strength, sign)),
    "shear_x": lambda clip, strength, sign: _affine(clip, shear=(_shear_degrees(strength, sign), 0.0)),
    "shear_y": lambda clip, strength, sign: _affine(clip, shear=(0.0, _shear_degrees(strength, sign))),
    "translate_x": lambda clip, strength, sign: _affine(
        clip, shift=(round(0.45 * strength * sign * clip.shape[-1]), 0)
    ),
    "translate_y": lambda clip, strength, sign: _affine(
        clip, shift=(0, round(0.45 * strength * sign * clip.shape[-2]))
    ),
}
