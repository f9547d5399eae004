"""RandAugment for a batch: timm's policy strings and magnitudes, one draw of operations for all frames of a clip.

Clips that drew the same operation in the same turn have it together, each at its own strength. Where torchvision takes
one strength for all, its pictures are blended here.
Reference: Cubuk et al. 2020; the policy language and the 0-10 magnitude scale are timm's (timm/data/auto_augment.py).
B batch, L turns, T frames, H W pixels, C channels.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from harness import torchvision_ops  # noqa: F401  (must come before torchvision)
from harness.errors import ManifestError

from torchvision.transforms.v2 import functional as tv  # isort: skip

MAX_MAGNITUDE = 10.0
APPLY_PROBABILITY = 0.5
FILL = 128.0
NONE = -1


@dataclass(frozen=True)
class RandAugment:
    """`layers` operations a clip of magnitude N(`magnitude`, `spread`), from 0 to 10; more is further from identity."""

    magnitude: float
    layers: int
    spread: float


@dataclass(frozen=True)
class Turns:
    """What each clip of a batch has in each turn, (B, L): the operation or NONE, its strength in [0, 1], its sign."""

    operation_BL: torch.Tensor
    strength_BL: torch.Tensor
    sign_BL: torch.Tensor


def parse_rand_augment(policy: str) -> RandAugment:
    """Read `rand-m7-n4-mstd0.5-inc1`; ManifestError on anything else."""
    match = re.fullmatch(r"rand-m(\d+)-n(\d+)-mstd([\d.]+)-inc1", policy)
    if not match:
        raise ManifestError(
            f"rand_augment {policy!r}: not of the form rand-m<int>-n<int>-mstd<float>-inc1; mend the policy"
        )
    return RandAugment(float(match[1]), int(match[2]), float(match[3]))


def rand_augment(clip_BTHWC: torch.Tensor, policy: RandAugment, generator: torch.Generator) -> torch.Tensor:
    """Apply `policy.layers` random operations, each with probability one half, to uint8 clips (B, T, H, W, C)."""
    turns = draw_turns(len(clip_BTHWC), policy, generator)
    clip_BTCHW = clip_BTHWC.permute(0, 1, 4, 2, 3).clone(memory_format=torch.contiguous_format)
    for name, strength_N, sign_N, place_N in _groups(turns, clip_BTCHW.device):
        clip_BTCHW[place_N] = OPERATIONS[name](clip_BTCHW[place_N], strength_N, sign_N)
    return clip_BTCHW.permute(0, 1, 3, 4, 2)


def draw_turns(batch: int, policy: RandAugment, generator: torch.Generator) -> Turns:
    """The draws of a batch, clip by clip; on the CPU."""
    shape = (batch, policy.layers)
    turns = Turns(*(torch.empty(shape, dtype=dtype) for dtype in (torch.long, torch.double, torch.double)))
    for clip in range(batch):
        turns.operation_BL[clip] = torch.randint(len(OPERATIONS), (policy.layers,), generator=generator)
        for turn in range(policy.layers):
            applied, sign = torch.rand(2, generator=generator).tolist()
            level = policy.magnitude + policy.spread * torch.randn(1, generator=generator).item()
            turns.strength_BL[clip, turn] = min(max(level / MAX_MAGNITUDE, 0.0), 1.0)
            turns.sign_BL[clip, turn] = 1.0 if sign < 0.5 else -1.0
            if applied >= APPLY_PROBABILITY:
                turns.operation_BL[clip, turn] = NONE
    return turns


def _groups(turns: Turns, device: torch.device) -> Iterator[tuple[str, torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Turn by turn, the clips that have the same operation: its name, strengths and signs (N, 1, 1, 1, 1), clips (N,).

    A turn's values go to the device together, however many groups it has.
    """
    names = list(OPERATIONS)
    for turn in range(turns.operation_BL.shape[1]):
        operation_B, order_B = turns.operation_BL[:, turn].sort(stable=True)
        drawn = (turns.strength_BL[order_B, turn], turns.sign_BL[order_B, turn])
        strength_B, sign_B = (values.view(-1, 1, 1, 1, 1).to(device) for values in drawn)
        place_B, first = order_B.to(device), 0
        for operation, count in zip(*map(torch.Tensor.tolist, _runs(operation_B)), strict=True):
            rows, first = slice(first, first + count), first + count
            if operation != NONE:
                yield names[operation], strength_B[rows], sign_B[rows], place_B[rows]


def _runs(sorted_B: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The values, and how often each is there."""
    return torch.unique_consecutive(sorted_B, return_counts=True)


def _blend(clip: torch.Tensor, other: torch.Tensor, share: torch.Tensor) -> torch.Tensor:
    """`share` of the clip and the rest of the other, which a share above one leaves behind."""
    return torch.lerp(other.float(), clip.float(), share).clamp_(0.0, 255.0).to(torch.uint8)


def _enhanced(strength: torch.Tensor, sign: torch.Tensor) -> torch.Tensor:
    return (1.0 + 0.9 * strength * sign).clamp(min=0.1).float()


def _grey(clip: torch.Tensor) -> torch.Tensor:
    return tv.rgb_to_grayscale(clip, num_output_channels=1)


def _mean_grey(clip: torch.Tensor) -> torch.Tensor:
    """Of each frame."""
    return _grey(clip).float().mean(dim=(-3, -2, -1), keepdim=True)


def _posterize(clip: torch.Tensor, strength: torch.Tensor, sign: torch.Tensor) -> torch.Tensor:
    """The highest 4 bits at strength 0, none at 1."""
    dropped = 4 + (4.0 * strength).int()
    return clip & (256 - 2**dropped).to(torch.uint8)


def _solarize(clip: torch.Tensor, strength: torch.Tensor, sign: torch.Tensor) -> torch.Tensor:
    return torch.where(clip >= 256 - (256.0 * strength).int(), 255 - clip, clip)


def _solarize_add(clip: torch.Tensor, strength: torch.Tensor, sign: torch.Tensor) -> torch.Tensor:
    raised = (clip + (110.0 * strength).int()).clamp(max=255).to(torch.uint8)
    return torch.where(clip < 128, raised, clip)


def _rotate(clip: torch.Tensor, strength: torch.Tensor, sign: torch.Tensor) -> torch.Tensor:
    angle = torch.deg2rad(30.0 * strength * sign)
    return _affine(clip, (angle.cos(), angle.sin(), 0.0), (-angle.sin(), angle.cos(), 0.0))


def _sheared(strength: torch.Tensor, sign: torch.Tensor) -> torch.Tensor:
    """The tangent."""
    return 0.3 * strength * sign


def _shifted(strength: torch.Tensor, sign: torch.Tensor, size: int) -> torch.Tensor:
    """Whole pixels."""
    return (0.45 * strength * sign * size).round()


Row = tuple[float | torch.Tensor, float | torch.Tensor, float | torch.Tensor]


def _affine(clip: torch.Tensor, across: Row = (1.0, 0.0, 0.0), down: Row = (0.0, 1.0, 0.0)) -> torch.Tensor:
    """Pixel (x, y), from the middle, is what was at (a x + b y + c, d x + e y + f); bilinear, FILL from without.

    `across` is a, b, c and `down` d, e, f. A clip is sampled once, all its frames as channels of one picture.
    """
    batch, (height, width) = len(clip), clip.shape[-2:]
    (a, b, c), (d, e, f) = across, down
    # For affine_grid the edges are 1 away from the middle.
    rows = (a, b * (height / width), c * (2 / width), d * (width / height), e, f * (2 / height))
    theta_N6 = torch.zeros(batch, 6, device=clip.device)
    for place, value in enumerate(rows):
        theta_N6[:, place] = value.flatten() if isinstance(value, torch.Tensor) else value
    picture = clip.flatten(1, 2).float().sub_(FILL)
    grid = F.affine_grid(theta_N6.view(batch, 2, 3), [batch, 1, height, width], align_corners=False)
    found = F.grid_sample(picture, grid, padding_mode="zeros", align_corners=False)
    return found.add_(FILL).round_().to(torch.uint8).view_as(clip)


Operation = Callable[[torch.Tensor, torch.Tensor, torch.Tensor], torch.Tensor]
# Of clips (N, T, C, H, W), their strengths and their signs (N, 1, 1, 1, 1).
OPERATIONS: dict[str, Operation] = {
    "auto_contrast": lambda clip, strength, sign: tv.autocontrast(clip),
    "equalize": lambda clip, strength, sign: tv.equalize(clip),
    "invert": lambda clip, strength, sign: tv.invert(clip),
    "rotate": _rotate,
    "posterize": _posterize,
    "solarize": _solarize,
    "solarize_add": _solarize_add,
    "color": lambda clip, strength, sign: _blend(clip, _grey(clip), _enhanced(strength, sign)),
    "contrast": lambda clip, strength, sign: _blend(clip, _mean_grey(clip), _enhanced(strength, sign)),
    "brightness": lambda clip, strength, sign: _blend(clip, torch.zeros_like(clip), _enhanced(strength, sign)),
    "sharpness": lambda clip, strength, sign: _blend(clip, tv.adjust_sharpness(clip, 0.0), _enhanced(strength, sign)),
    "shear_x": lambda clip, strength, sign: _affine(clip, across=(1.0, _sheared(strength, sign), 0.0)),
    "shear_y": lambda clip, strength, sign: _affine(clip, down=(_sheared(strength, sign), 1.0, 0.0)),
    "translate_x": lambda clip, strength, sign: _affine(
        clip, across=(1.0, 0.0, -_shifted(strength, sign, clip.shape[-1]))
    ),
    "translate_y": lambda clip, strength, sign: _affine(
        clip, down=(0.0, 1.0, -_shifted(strength, sign, clip.shape[-2]))
    ),
}
