"""Colour jitter of a batch: brightness, contrast, saturation and hue as torchvision has them, in an order drawn a clip.

Everything is done in place on planes, a channel after the other, in few passes: on a CPU the memory is the limit, and
on a GPU no pixel is read back. Pixels are floats from 0 to 255.
Letters: B batch, C channels (RGB), T frames, H W pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from harness.recipe import Jitter

GREY_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R 601 luma, as Pillow's "L"


@dataclass(frozen=True)
class Shifts:
    """What was drawn for each clip: the shift of each kind (B, 4) and the turn in which it comes (B, 4)."""

    shift_B4: torch.Tensor
    order_B4: torch.Tensor
    kinds: tuple[int, ...]

    def rows(self, rows: slice) -> Shifts:
        """Those of some clips."""
        return Shifts(self.shift_B4[rows], self.order_B4[rows], self.kinds)


def draw_shifts(batch: int, jitter: Jitter, generator: torch.Generator) -> Shifts:
    """Shifts of brightness, contrast, saturation and hue, each uniform within the recipe's; on the CPU."""
    spread = torch.tensor([jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue])
    shift_B4 = (2.0 * torch.rand((batch, 4), generator=generator) - 1.0) * spread
    order_B4 = torch.rand((batch, 4), generator=generator).argsort(dim=1)
    return Shifts(shift_B4, order_B4, tuple(kind for kind in range(4) if spread[kind] != 0))


def shift_colours(clip_BCTHW: torch.Tensor, shifts: Shifts) -> None:
    """Shift the colours of every clip in place, turn by turn; the clips that do the same in a turn do it together."""
    adjust = (_brightness, _contrast, _saturation, _hue)
    for turn in range(4):
        for kind in shifts.kinds:
            chosen = torch.nonzero(shifts.order_B4[:, turn] == kind).flatten()
            shift_B1111 = shifts.shift_B4[chosen, kind].view(-1, 1, 1, 1, 1).to(clip_BCTHW.device)
            if len(chosen) == len(clip_BCTHW):
                adjust[kind](clip_BCTHW, shift_B1111)
                clip_BCTHW.clamp_(0.0, 255.0)
            elif len(chosen):
                place = chosen.to(clip_BCTHW.device)
                part_BCTHW = clip_BCTHW[place]
                adjust[kind](part_BCTHW, shift_B1111)
                clip_BCTHW[place] = part_BCTHW.clamp_(0.0, 255.0)


def _brightness(clip: torch.Tensor, shift: torch.Tensor) -> None:
    clip.mul_(1.0 + shift)


def _contrast(clip: torch.Tensor, shift: torch.Tensor) -> None:
    """About the mean of each frame's grey."""
    mean = _grey(clip).mean(dim=(-2, -1), keepdim=True)
    clip.mul_(1.0 + shift).sub_(mean * shift)


def _saturation(clip: torch.Tensor, shift: torch.Tensor) -> None:
    grey = _grey(clip)
    clip.mul_(1.0 + shift).sub_(grey.mul_(shift))


def _grey(clip: torch.Tensor) -> torch.Tensor:
    red, green, blue = clip.unbind(1)
    grey = red * GREY_WEIGHTS[0]
    return grey.add_(green, alpha=GREY_WEIGHTS[1]).add_(blue, alpha=GREY_WEIGHTS[2]).unsqueeze(1)


def _hue(clip: torch.Tensor, shift: torch.Tensor) -> None:
    """Through hue, largest and smallest channel: in hexagons of HSV, each channel is a trapezium of the hue."""
    red, green, blue = clip.unbind(1)
    high, low = torch.maximum(green, blue), torch.minimum(green, blue)
    smallest = torch.minimum(red, low)
    chroma = torch.maximum(red, high).sub_(smallest)
    sixth = torch.minimum(red, high).sub_(low).div_(chroma + 1e-6)
    # The sixth of the circle that it is in: by which channel is the largest, and which of green and blue is.
    # (Comparisons written as floats: PyTorch adds booleans to floats several times more slowly.)
    blue_over_green, red_below = torch.lt(green, blue, out=torch.empty_like(low)), torch.lt(red, high, out=high)
    sixth.add_(blue_over_green, alpha=-6).add_(red_below, alpha=-2).addcmul_(blue_over_green, red_below, value=12)
    sixth.abs_().add_(6.0 * shift[:, 0])
    sixth.sub_(torch.floor(sixth / 6.0), alpha=6.0)
    for channel, plane in enumerate((red, green, blue)):
        share = _trapezium(sixth, channel)
        torch.addcmul(smallest, chroma, share, out=plane)


def _trapezium(sixth: torch.Tensor, channel: int) -> torch.Tensor:
    """How much of the chroma a channel has: red is full at hue 0, green at 2, blue at 4 sixths."""
    if channel == 0:
        return (sixth - 3.0).abs_().sub_(1.0).clamp_(0.0, 1.0)
    return (sixth - 2.0 * channel).abs_().neg_().add_(2.0).clamp_(0.0, 1.0)
