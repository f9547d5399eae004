"""RandAugment against torchvision, clip by clip, and its draws."""

import math

import pytest
import torch

from harness import torchvision_ops  # noqa: F401  (must come before torchvision)
from harness.data.rand_augment import AMOUNTS, FILL, NONE, OPERATIONS, draw_turns, parse_rand_augment, rand_augment
from harness.errors import ManifestError

from torchvision.transforms.v2 import functional as tv  # isort: skip

POLICY = parse_rand_augment("rand-m7-n4-mstd0.5-inc1")
STRENGTHS, SIGNS = (0.12, 0.45, 0.7, 1.0), (1.0, -1.0, 1.0, -1.0)
SIZE = (24, 32)


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def clips(batch: int, frames: int = 2) -> torch.Tensor:
    """Smooth clips (B, T, C, H, W) that use all of the range."""
    coarse = torch.rand((batch * frames, 3, 4, 5), generator=draw(5)) * 255
    fine = torch.nn.functional.interpolate(coarse, size=SIZE, mode="bicubic").clamp(0, 255)
    return fine.to(torch.uint8).unflatten(0, (batch, frames))


def affine(clip: torch.Tensor, angle: float = 0.0, shift: tuple[int, int] = (0, 0), shear: tuple[float, ...] = (0, 0)):
    return tv.affine(
        clip, angle, list(shift), 1.0, list(shear), interpolation=tv.InterpolationMode.BILINEAR, fill=[FILL] * 3
    )


def tangent(amount: float) -> float:
    """In degrees."""
    return math.degrees(math.atan(0.3 * amount))


# What timm's levels mean ("increasing", level strength x 10), by torchvision; x is strength times sign.
EXPECTED = {
    "auto_contrast": lambda clip, s, x: tv.autocontrast(clip),
    "equalize": lambda clip, s, x: tv.equalize(clip),
    "invert": lambda clip, s, x: tv.invert(clip),
    "rotate": lambda clip, s, x: affine(clip, angle=30 * x),
    "posterize": lambda clip, s, x: tv.posterize(clip, bits=4 - int(4 * s)),
    "solarize": lambda clip, s, x: tv.solarize(clip, threshold=256 - int(256 * s)),
    "solarize_add": lambda clip, s, x: torch.where(
        clip < 128, (clip.int() + int(110 * s)).clamp(max=255).to(torch.uint8), clip
    ),
    "color": lambda clip, s, x: tv.adjust_saturation(clip, max(0.1, 1 + 0.9 * x)),
    "contrast": lambda clip, s, x: tv.adjust_contrast(clip, max(0.1, 1 + 0.9 * x)),
    "brightness": lambda clip, s, x: tv.adjust_brightness(clip, max(0.1, 1 + 0.9 * x)),
    "sharpness": lambda clip, s, x: tv.adjust_sharpness(clip, max(0.1, 1 + 0.9 * x)),
    "shear_x": lambda clip, s, x: affine(clip, shear=(tangent(x), 0.0)),
    "shear_y": lambda clip, s, x: affine(clip, shear=(0.0, tangent(x))),
    "translate_x": lambda clip, s, x: affine(clip, shift=(round(0.45 * x * SIZE[1]), 0)),
    "translate_y": lambda clip, s, x: affine(clip, shift=(0, round(0.45 * x * SIZE[0]))),
}


def amounts(name: str, strength: float, sign: float) -> torch.Tensor:
    """(M,) of a frame of SIZE, padded as a batch has them."""
    found = OPERATIONS[name].amounts(strength, strength * sign, *SIZE)
    return torch.tensor([*found, *(AMOUNTS - len(found)) * [0.0]])


GEOMETRIC = ("rotate", "shear_x", "shear_y", "translate_x", "translate_y")


def inner(name: str, amount: float) -> torch.Tensor:
    """(H, W), where a clip's pixels alone are seen: on its edge torchvision mixes them with the fill in its own way."""
    if name not in GEOMETRIC:
        return torch.ones(SIZE, dtype=torch.bool)
    white = torch.full((1, 3, *SIZE), 255, dtype=torch.uint8)
    return EXPECTED[name](white, abs(amount), amount)[0, 0] == 255


@pytest.mark.parametrize("name", list(OPERATIONS))
def test_each_clip_has_its_own_strength_as_torchvision_has_it(name: str) -> None:
    clip_NTCHW = clips(len(STRENGTHS))
    amount_NM = torch.stack([amounts(name, *drawn) for drawn in zip(STRENGTHS, SIGNS, strict=True)])
    out = OPERATIONS[name].apply(clip_NTCHW, amount_NM)
    assert (out.shape, out.dtype) == (clip_NTCHW.shape, torch.uint8)
    assert not torch.equal(out, clip_NTCHW)
    for found, clip, strength, sign in zip(out, clip_NTCHW, STRENGTHS, SIGNS, strict=True):
        expected = EXPECTED[name](clip, strength, strength * sign)
        seen = inner(name, strength * sign)
        assert seen.float().mean() > 0.25
        difference = (found.int() - expected.int()).abs()[..., seen]
        assert difference.max() <= 1  # of 255: the order of rounding
        assert (difference > 0).float().mean() < 0.05


@pytest.mark.parametrize("name", GEOMETRIC)
def test_what_comes_from_without_is_grey(name: str) -> None:
    black = torch.zeros((1, 1, 3, *SIZE), dtype=torch.uint8)
    out = OPERATIONS[name].apply(black, amounts(name, 1.0, 1.0)[None])
    assert set(out.unique().tolist()) >= {0, int(FILL)}
    assert out.max() == FILL


def test_a_clip_has_the_same_operations_alone_and_among_others() -> None:
    batch = clips(6).permute(0, 1, 3, 4, 2)
    together = rand_augment(batch, POLICY, draw(3))
    generator = draw(3)
    alone = torch.cat([rand_augment(clip[None], POLICY, generator) for clip in batch])
    assert torch.equal(together, alone)
    assert not torch.equal(together, batch)
    assert (together.shape, together.dtype) == (batch.shape, torch.uint8)


def test_the_clips_that_are_given_stay_as_they_are() -> None:
    batch = clips(6).permute(0, 1, 3, 4, 2)
    before = batch.clone()
    rand_augment(batch, POLICY, draw(3))
    assert torch.equal(batch, before)


def test_half_of_the_turns_are_left_out_and_the_others_draw_all_alike() -> None:
    turns = draw_turns(2000, POLICY, SIZE, draw())
    drawn = turns.operation_BL != NONE
    assert turns.operation_BL.shape == (2000, 4)
    assert drawn.float().mean() == pytest.approx(0.5, abs=0.02)
    share = torch.bincount(turns.operation_BL[drawn], minlength=len(OPERATIONS)) / drawn.sum()
    assert share.min() > 0.8 / len(OPERATIONS)
    assert share.max() < 1.2 / len(OPERATIONS)


def test_strengths_are_normal_about_the_policys_and_signs_come_half_and_half() -> None:
    turns = draw_turns(4000, POLICY, SIZE, draw())
    brightness = list(OPERATIONS).index("brightness")
    signed = (turns.amount_BLM[turns.operation_BL == brightness][:, 0] - 1) / 0.9
    assert len(signed) > 400
    assert (signed > 0).float().mean() == pytest.approx(0.5, abs=0.08)
    assert signed.abs().mean() == pytest.approx(0.7, abs=0.01)
    assert signed.abs().std() == pytest.approx(0.05, abs=0.01)


def test_timms_policy_is_read() -> None:
    assert (POLICY.magnitude, POLICY.layers, POLICY.spread) == (7.0, 4, 0.5)


def test_another_policy_is_refused() -> None:
    with pytest.raises(ManifestError, match="augmix"):
        parse_rand_augment("augmix-m3")
