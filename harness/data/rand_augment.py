"""RandAugment for a batch: timm's policy strings and magnitudes, one draw of operations for all frames of a clip.

Clips that drew the same operation in the same turn have it together, each at its own strength. Where torchvision takes
one strength for all, its pictures are blended here.
Reference: Cubuk et al. 2020; the policy language and the 0-10 magnitude scale are timm's (timm/data/auto_augment.py).
B batch, L turns, M amounts, T frames, H W pixels, C channels.
"""

from __future__ import annotations

import math
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
AMOUNTS = 6  # of one operation, at most


@dataclass(frozen=True)
class RandAugment:
    """`layers` operations a clip of magnitude N(`magnitude`, `spread`), from 0 to 10; more is further from identity."""

    magnitude: float
    layers: int
    spread: float


@dataclass(frozen=True)
class Turns:
    """What each clip of a batch has in each turn: an operation or NONE (B, L), and its amounts (B, L, AMOUNTS)."""

    operation_BL: torch.Tensor
    amount_BLM: torch.Tensor


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
    turns = draw_turns(len(clip_BTHWC), policy, (clip_BTHWC.shape[2], clip_BTHWC.shape[3]), generator)
    # Clips change their place in a list, which costs nothing; gathering and scattering them in one tensor does.
    clips_TCHW = list(clip_BTHWC.permute(0, 1, 4, 2, 3))
    for operation, places, amount_NM in _groups(turns, clip_BTHWC.device):
        for place, clip_TCHW in zip(places, operation.apply(_together(clips_TCHW, places), amount_NM), strict=True):
            clips_TCHW[place] = clip_TCHW
    return torch.stack([clip_TCHW.permute(0, 2, 3, 1) for clip_TCHW in clips_TCHW])


def _together(clips_TCHW: list[torch.Tensor], places: list[int]) -> torch.Tensor:
    """(N, T, C, H, W), without a copy of a single clip."""
    if len(places) == 1:
        return clips_TCHW[places[0]][None]
    return torch.stack([clips_TCHW[place] for place in places])


def draw_turns(batch: int, policy: RandAugment, frame: tuple[int, int], generator: torch.Generator) -> Turns:
    """The draws of a batch, clip by clip, for frames (H, W); on the CPU."""
    operations, shape = list(OPERATIONS.values()), (batch, policy.layers)
    turns = Turns(torch.full(shape, NONE), torch.zeros((*shape, AMOUNTS)))
    for clip in range(batch):
        choices = torch.randint(len(operations), (policy.layers,), generator=generator).tolist()
        for turn, choice in enumerate(choices):
            applied, sign = torch.rand(2, generator=generator).tolist()
            level = policy.magnitude + policy.spread * torch.randn(1, generator=generator).item()
            if applied < APPLY_PROBABILITY:
                strength = min(max(level / MAX_MAGNITUDE, 0.0), 1.0)
                amounts = operations[choice].amounts(strength, strength if sign < 0.5 else -strength, *frame)
                turns.operation_BL[clip, turn] = choice
                turns.amount_BLM[clip, turn, : len(amounts)] = torch.tensor(amounts)
    return turns


def _groups(turns: Turns, device: torch.device) -> Iterator[tuple[Operation, list[int], torch.Tensor]]:
    """Turn by turn, the clips that have the same operation: it, their N places, and their amounts (N, M).

    The amounts go to the device together, however many groups there are.
    """
    operation_LB, order_LB = turns.operation_BL.T.sort(stable=True)
    amount_LBM = turns.amount_BLM.transpose(0, 1).take_along_dim(order_LB[:, :, None], 1)
    places, amount_XM = order_LB.flatten().tolist(), amount_LBM.flatten(0, 1).to(device)
    operations, first = list(OPERATIONS.values()), 0
    for operation_B in operation_LB:
        for operation, count in zip(*_runs(operation_B), strict=True):
            rows, first = slice(first, first + count), first + count
            if operation != NONE:
                yield operations[operation], places[rows], amount_XM[rows]


def _runs(sorted_B: torch.Tensor) -> tuple[list[int], list[int]]:
    """The values, and how often each is there."""
    values, counts = torch.unique_consecutive(sorted_B, return_counts=True)
    return values.tolist(), counts.tolist()


Amounts = tuple[float, ...]


@dataclass(frozen=True)
class Operation:
    """amounts: from a strength in [0, 1], the same with a sign, and height and width of a frame, at most AMOUNTS.

    apply: to uint8 clips (N, T, C, H, W), with the amounts of each (N, M).
    """

    amounts: Callable[[float, float, int, int], Amounts]
    apply: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def _none(strength: float, signed: float, height: int, width: int) -> Amounts:
    return ()


def _share(strength: float, signed: float, height: int, width: int) -> Amounts:
    """Of the clip, the rest being of what it is blended with."""
    return (max(0.1, 1.0 + 0.9 * signed),)


def _mask(strength: float, signed: float, height: int, width: int) -> Amounts:
    """Keeps the highest 4 bits at strength 0, none at 1."""
    return (256 - 2 ** (4 + int(4 * strength)),)


def _rotated(strength: float, signed: float, height: int, width: int) -> Amounts:
    cosine, sine = math.cos(math.radians(30 * signed)), math.sin(math.radians(30 * signed))
    return _source((cosine, sine, 0.0), (-sine, cosine, 0.0), height, width)


def _sheared(strength: float, signed: float, height: int, width: int) -> Amounts:
    return _source((1.0, 0.3 * signed, 0.0), (0.0, 1.0, 0.0), height, width)


def _sheared_down(strength: float, signed: float, height: int, width: int) -> Amounts:
    return _source((1.0, 0.0, 0.0), (0.3 * signed, 1.0, 0.0), height, width)


def _shifted(strength: float, signed: float, height: int, width: int) -> Amounts:
    return _source((1.0, 0.0, -round(0.45 * signed * width)), (0.0, 1.0, 0.0), height, width)


def _shifted_down(strength: float, signed: float, height: int, width: int) -> Amounts:
    return _source((1.0, 0.0, 0.0), (0.0, 1.0, -round(0.45 * signed * height)), height, width)


def _source(across: Amounts, down: Amounts, height: int, width: int) -> Amounts:
    """Pixel (x, y), from the middle, comes from (a x + b y + c, d x + e y + f): `across` is a, b, c and `down` d, e, f.

    In affine_grid's units, where the edges are 1 away from the middle.
    """
    (a, b, c), (d, e, f) = across, down
    return a, b * height / width, 2 * c / width, d * width / height, e, 2 * f / height


def _affine(clip: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Bilinear, FILL from without. A clip is sampled once, all its frames as channels of one picture."""
    size = [len(clip), 1, *clip.shape[-2:]]
    grid = F.affine_grid(amount.view(-1, 2, 3), size, align_corners=False)
    picture = clip.flatten(1, 2).float().sub_(FILL)
    found = F.grid_sample(picture, grid, padding_mode="zeros", align_corners=False)
    return found.add_(FILL).round_().to(torch.uint8).view_as(clip)


def _first(amount: torch.Tensor) -> torch.Tensor:
    """(N, 1, 1, 1, 1)."""
    return amount[:, 0].view(-1, 1, 1, 1, 1)


def _blend(clip: torch.Tensor, other: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    return torch.lerp(other.float(), clip.float(), _first(amount)).clamp_(0.0, 255.0).to(torch.uint8)


def _brightened(clip: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    return (clip * _first(amount)).clamp_(0.0, 255.0).to(torch.uint8)


def _coloured(clip: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    planes = clip.contiguous()
    return _blend(planes, tv.rgb_to_grayscale(planes, num_output_channels=1), amount)


def _contrasted(clip: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """About the mean grey of each frame."""
    planes = clip.contiguous()
    grey = tv.rgb_to_grayscale(planes, num_output_channels=1).float()
    return _blend(planes, grey.mean(dim=(-3, -2, -1), keepdim=True), amount)


def _sharpened(clip: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Against the smoothed frames, torchvision's at a factor of nought; its convolution is faster on channels last."""
    frames = clip.flatten(0, 1).contiguous(memory_format=torch.channels_last)
    smoothed = tv.adjust_sharpness(frames, 0.0)
    return _blend(frames.unflatten(0, clip.shape[:2]), smoothed.unflatten(0, clip.shape[:2]), amount)


def _solarized(clip: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """Inverted from the amount on: where the mask is 255, the exclusive or is 255 less the pixel."""
    return clip ^ (clip.short() >= _first(amount).short()).to(torch.uint8).neg_()


def _raised(clip: torch.Tensor, amount: torch.Tensor) -> torch.Tensor:
    """The amount, 110 at most, on what is below 128: no byte can overflow."""
    return clip + (clip < 128).to(torch.uint8) * _first(amount).to(torch.uint8)


OPERATIONS: dict[str, Operation] = {
    "auto_contrast": Operation(_none, lambda clip, amount: tv.autocontrast(clip.contiguous())),
    "equalize": Operation(_none, lambda clip, amount: tv.equalize(clip.contiguous())),
    "invert": Operation(_none, lambda clip, amount: tv.invert(clip)),
    "rotate": Operation(_rotated, _affine),
    "posterize": Operation(_mask, lambda clip, amount: clip & _first(amount).to(torch.uint8)),
    "solarize": Operation(lambda strength, *_: (256 - int(256 * strength),), _solarized),
    "solarize_add": Operation(lambda strength, *_: (int(110 * strength),), _raised),
    "color": Operation(_share, _coloured),
    "contrast": Operation(_share, _contrasted),
    "brightness": Operation(_share, _brightened),
    "sharpness": Operation(_share, _sharpened),
    "shear_x": Operation(_sheared, _affine),
    "shear_y": Operation(_sheared_down, _affine),
    "translate_x": Operation(_shifted, _affine),
    "translate_y": Operation(_shifted_down, _affine),
}
