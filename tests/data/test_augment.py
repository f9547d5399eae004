"""Batched augmentation against torchvision and by hand."""

import numpy as np
import pytest
import torch
from PIL import Image

from harness import torchvision_ops  # noqa: F401  (must come before torchvision)
from harness.data.augment import augment, crop_and_flip, crop_boxes, mix, normalise, whole_frames
from harness.recipe import Augmentation, Input, Jitter

from torchvision.transforms.v2 import functional as tv  # isort: skip

PLAIN = Input(frames=2, size=24)


def clips(batch: int = 6, frames: int = 2, size: int = 24) -> torch.Tensor:
    coarse = torch.randint(0, 256, (batch * frames, 3, 6, 6), generator=torch.Generator().manual_seed(0)).float()
    fine = torch.nn.functional.interpolate(coarse, size=(size, size), mode="bilinear")
    return fine.round().to(torch.uint8).unflatten(0, (batch, frames)).permute(0, 1, 3, 4, 2).contiguous()


def draw(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_without_augmentation_the_pixels_are_the_pixels() -> None:
    given = clips()
    out = augment(given, Augmentation(crop_aspect=(1.0, 1.0)), PLAIN, draw())
    torch.testing.assert_close(out, given.permute(0, 1, 4, 2, 3).float() / 255, atol=1e-5, rtol=0)


def test_memory_is_channels_last() -> None:
    out = augment(clips(), Augmentation(), PLAIN, draw())
    assert out.permute(0, 1, 3, 4, 2).is_contiguous()


def test_a_certain_flip_mirrors_every_frame() -> None:
    given = clips()
    out = augment(given, Augmentation(crop_aspect=(1.0, 1.0), flip=1.0), PLAIN, draw())
    torch.testing.assert_close(out, given.flip(3).permute(0, 1, 4, 2, 3).float() / 255, atol=1e-5, rtol=0)


def test_frames_of_a_clip_are_augmented_alike_and_clips_are_not() -> None:
    still = clips(1, 1).expand(6, 2, 24, 24, 3).contiguous()
    strong = Augmentation(
        crop_area=(0.2, 1.0), flip=0.5, jitter=Jitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.2)
    )
    out = augment(still, strong, PLAIN, draw())
    torch.testing.assert_close(out[:, 0], out[:, 1])
    assert len(torch.unique(out[:, 0].flatten(1), dim=0)) == 6


def test_normalisation_is_the_usual_one() -> None:
    spec = Input(frames=2, size=24, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    picture = clips()[0].permute(0, 3, 1, 2)
    expected = tv.normalize(picture.float() / 255, list(spec.mean), list(spec.std))
    torch.testing.assert_close(normalise(picture[None].float(), spec)[0], expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("kind", ["brightness", "contrast", "saturation", "hue"])
def test_one_kind_of_jitter_is_torchvisions(kind: str) -> None:
    functions = {
        "brightness": tv.adjust_brightness,
        "contrast": tv.adjust_contrast,
        "saturation": tv.adjust_saturation,
        "hue": tv.adjust_hue,
    }
    given = clips(1, 1)
    out = augment(given, Augmentation(crop_aspect=(1.0, 1.0), jitter=Jitter(**{kind: 0.4})), PLAIN, draw(3))
    factors = torch.linspace(-0.4, 0.4, 4001)
    picture = given[0].permute(0, 3, 1, 2).float() / 255
    nearest = min(
        (functions[kind](picture, float(shift) + (kind != "hue")) - out[0]).abs().max().item() for shift in factors
    )
    assert nearest < 2e-3


def test_crops_lie_in_the_frame_and_keep_area_and_aspect_in_range() -> None:
    box_B4 = crop_boxes(500, (224, 224), Augmentation(crop_area=(0.3, 0.6)), draw())
    top_B, left_B, height_B, width_B = box_B4.unbind(1)
    assert min(top_B.min(), left_B.min()) == 0
    assert max((top_B + height_B).max(), (left_B + width_B).max()) == 224
    area_B, aspect_B = height_B * width_B / 224**2, width_B / height_B
    # Sides are rounded to pixels: by half a pixel of at least 100.
    assert 0.3 * 0.99 <= area_B.min() <= area_B.max() <= 0.6 * 1.01
    assert 0.75 * 0.99 <= aspect_B.min() <= aspect_B.max() <= 4 / 3 * 1.01


def test_a_crop_is_pillows() -> None:
    clip_THWC = clips(1, 2, 32)[0]
    top, left, height, width = box = (3, 5, 27, 21)
    cropped = crop_and_flip(clip_THWC, box, True, 16, antialias=True)
    for frame_HWC, found_HWC in zip(clip_THWC, cropped, strict=True):
        crop = Image.fromarray(frame_HWC.numpy()).crop((left, top, left + width, top + height))
        expected = crop.resize((16, 16), Image.Resampling.BILINEAR).transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        difference = found_HWC.int() - torch.from_numpy(np.array(expected)).int()
        assert difference.abs().max() <= 1  # of 255: they round differently


def test_a_crop_without_antialias_is_an_interpolation_of_tensors() -> None:
    clip_THWC = clips(1, 2, 32)[0]
    cropped = crop_and_flip(clip_THWC, (3, 5, 27, 21), False, 16, antialias=False)
    part_TCHW = clip_THWC[:, 3:30, 5:26].permute(0, 3, 1, 2).float()
    expected = torch.nn.functional.interpolate(part_TCHW, size=16, mode="bilinear", align_corners=False)
    assert (cropped.permute(0, 3, 1, 2) - expected).abs().max() <= 1


def test_mixup_is_a_convex_sum_with_the_reversed_batch() -> None:
    clip_BTCHW = torch.rand(4, 2, 3, 8, 8, generator=draw())
    mixed, mixing = mix(clip_BTCHW, Augmentation(mixup=0.8), draw(1))
    share = mixing.share_B[0]
    torch.testing.assert_close(mixed, clip_BTCHW * share + clip_BTCHW.flip(0) * (1 - share))


def test_the_share_of_cutmix_is_the_area_that_was_kept() -> None:
    clip_BTCHW = torch.arange(4.0).view(4, 1, 1, 1, 1).expand(4, 2, 3, 16, 16).contiguous()
    mixed, mixing = mix(clip_BTCHW, Augmentation(cutmix=1.0), draw(5))
    for clip in range(4):
        kept = (mixed[clip] == clip).float().mean()
        assert kept == pytest.approx(float(mixing.share_B[clip]))


def test_erasing_leaves_the_rest_and_hits_all_frames_alike() -> None:
    given = clips()
    out = augment(given, Augmentation(crop_aspect=(1.0, 1.0), erasing=1.0), PLAIN, draw())
    plain = augment(given, Augmentation(crop_aspect=(1.0, 1.0)), PLAIN, draw())
    touched = (out != plain).any(dim=2)
    assert torch.equal(touched[:, 0], touched[:, 1])
    share_B = touched[:, 0].float().mean(dim=(1, 2))
    assert share_B.min() > 0.0
    assert share_B.max() < 0.4


def test_whole_frames_resize_as_torchvision_does() -> None:
    given = clips(2, 2, 32)
    out = whole_frames(given, PLAIN)
    expected = tv.resize(given.flatten(0, 1).permute(0, 3, 1, 2), [24, 24], antialias=True).float() / 255
    torch.testing.assert_close(out.flatten(0, 1), expected, atol=1e-6, rtol=0)


def test_the_same_generator_gives_the_same_clips_and_torchs_own_is_not_touched() -> None:
    strong = Augmentation(
        crop_area=(0.1, 1.0), flip=0.5, jitter=Jitter(hue=0.4), rand_augment="rand-m7-n4-mstd0.5-inc1", erasing=0.5
    )
    before = torch.get_rng_state()
    first, second = (augment(clips(), strong, PLAIN, draw(7)) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(before, torch.get_rng_state())


def test_normalisation_takes_bytes_and_floats_alike() -> None:
    spec = Input(frames=2, size=4, mean=(0.5, 0.25, 0.0), std=(0.5, 0.2, 1.0))
    clip_BTCHW = torch.randint(0, 256, (2, 2, 3, 4, 4), dtype=torch.uint8)
    of_bytes, of_floats = normalise(clip_BTCHW, spec), normalise(clip_BTCHW.float(), spec)
    assert torch.equal(of_bytes, of_floats)
    assert of_bytes.stride() == of_floats.stride() == (96, 48, 1, 12, 3)
    pixel, mean, std = clip_BTCHW[1, 0, :, 2, 3] / 255.0, torch.tensor(spec.mean), torch.tensor(spec.std)
    torch.testing.assert_close(of_bytes[1, 0, :, 2, 3], (pixel - mean) / std)


def test_every_draw_is_made_on_the_cpu_and_no_pixel_is_read_back() -> None:
    """On the meta device a tensor has no values: what would wait for a GPU is an error here."""
    jitter = Jitter(brightness=0.4, contrast=0.4, saturation=0.4, hue=0.4)
    everything = Augmentation(
        crop_area=(0.08, 1.0), flip=0.5, jitter=jitter, rand_augment="rand-m7-n4-mstd0.5-inc1", erasing=0.5, mixup=0.8
    )
    clip_BTHWC = torch.empty(6, 2, 16, 16, 3, dtype=torch.uint8, device="meta")
    generators = [torch.Generator().manual_seed(3) for _ in range(2)]
    clip_BTCHW = augment(clip_BTHWC, everything, Input(frames=2, size=8), generators[0])
    mixed_BTCHW, mixing = mix(clip_BTCHW, everything, generators[0])
    assert mixed_BTCHW.device.type == mixing.share_B.device.type == "meta"
    on_cpu = augment(
        torch.zeros(6, 2, 16, 16, 3, dtype=torch.uint8), everything, Input(frames=2, size=8), generators[1]
    )
    mix(on_cpu, everything, generators[1])
    assert torch.equal(generators[0].get_state(), generators[1].get_state())
