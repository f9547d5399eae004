"""Reading frames: the format is told by the bytes, the pixels are Pillow's, and what cannot be read is named."""

import io
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from harness.data.clips import Clip
from harness.data.decode import BATCH_FRAMES, Refused, decode_clip, read_batches
from harness.errors import DataError


def smooth(seed: int, width: int = 32, height: int = 32) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.BILINEAR)


def encoded(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def written(folder: Path, *contents: bytes) -> tuple[Path, ...]:
    paths = tuple(folder / f"{number}.jpg" for number in range(1, len(contents) + 1))
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def read(paths: tuple[Path, ...], size: int) -> tuple[np.ndarray, list[Refused]]:
    refused: list[Refused] = []
    return np.concatenate([batch.copy() for batch in read_batches(paths, size, refused)]), refused


def by_pillow(data: bytes, size: int) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGB").resize((size, size), Image.Resampling.BILINEAR))


def refusal(folder: Path, content: bytes) -> str:
    """The reason why this content is no frame; it stands between two good ones, which must stay."""
    good = encoded(smooth(0), "JPEG")
    frames, refused = read(written(folder, good, content, good), 32)
    assert [frame.index for frame in refused] == [1]
    assert np.array_equal(frames, np.stack([by_pillow(good, 32)] * 2))
    return refused[0].reason


@pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"), reason="torch resizes in floating point here"
)
def test_frames_are_halved_as_pillow_does_bit_for_bit(tmp_path: Path) -> None:
    contents = [encoded(smooth(seed, 64, 64), "JPEG", quality=90) for seed in range(BATCH_FRAMES + 3)]
    frames, refused = read(written(tmp_path, *contents), 32)
    assert np.array_equal(frames, np.stack([by_pillow(content, 32) for content in contents]))
    assert refused == []


def test_other_sizes_differ_from_pillow_by_two_at_most(tmp_path: Path) -> None:
    content = encoded(smooth(1, 56, 56), "JPEG", quality=90)
    frames, _ = read(written(tmp_path, content), 40)
    assert np.abs(frames[0].astype(int) - by_pillow(content, 40)).max() <= 2


def test_a_png_named_jpg_is_read(tmp_path: Path) -> None:
    frames, _ = read(written(tmp_path, encoded(smooth(2), "PNG")), 32)
    assert np.array_equal(frames[0], np.asarray(smooth(2)))


def test_a_jpeg_named_png_is_read(tmp_path: Path) -> None:
    path = tmp_path / "1.png"
    path.write_bytes(encoded(smooth(2), "JPEG"))
    frames, _ = read((path,), 32)
    assert np.array_equal(frames[0], by_pillow(path.read_bytes(), 32))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "1"])
def test_a_png_of_other_colours_becomes_rgb(tmp_path: Path, mode: str) -> None:
    content = encoded(smooth(3).convert(mode), "PNG")
    frames, _ = read(written(tmp_path, content), 32)
    assert np.array_equal(frames[0], by_pillow(content, 32))


def test_a_palette_with_transparent_colours_becomes_rgb(tmp_path: Path) -> None:
    content = encoded(smooth(3).convert("P"), "PNG", transparency=bytes([0, 128, 255]))
    frames, _ = read(written(tmp_path, content), 32)
    with Image.open(io.BytesIO(content)) as picture:
        assert np.array_equal(frames[0], np.asarray(picture.convert("RGBA"))[..., :3])


def test_alpha_is_dropped_not_blended(tmp_path: Path) -> None:
    content = encoded(Image.new("RGBA", (32, 32), (200, 100, 50, 0)), "PNG")
    frames, _ = read(written(tmp_path, content), 32)
    assert (frames[0] == [200, 100, 50]).all()


def test_a_grey_jpeg_has_three_equal_channels(tmp_path: Path) -> None:
    content = encoded(smooth(4).convert("L"), "JPEG")
    frames, _ = read(written(tmp_path, content), 32)
    assert np.array_equal(frames[0], by_pillow(content, 32))
    assert (frames[..., 0] == frames[..., 2]).all()


def test_frames_of_several_sizes_stay_in_order(tmp_path: Path) -> None:
    sides = [(64, 64), (64, 64), (32, 32), (64, 128), (64, 64)]
    contents = [encoded(smooth(seed, *side), "JPEG") for seed, side in enumerate(sides)]
    frames, _ = read(written(tmp_path, *contents), 32)
    expected = np.stack([by_pillow(content, 32) for content in contents])
    assert np.abs(frames.astype(int) - expected).max() <= 2


@pytest.mark.parametrize("kept", [0.3, 0.6, 0.99])
def test_a_truncated_jpeg_is_refused_and_not_half_grey(tmp_path: Path, kept: float) -> None:
    content = encoded(smooth(5), "JPEG", quality=95)
    assert "JPEG" in refusal(tmp_path, content[: int(kept * len(content))])


def test_a_truncated_png_is_refused(tmp_path: Path) -> None:
    content = encoded(smooth(5), "PNG")
    assert "truncated" in refusal(tmp_path, content[: len(content) // 2])


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path, b"") == "empty file"


@pytest.mark.parametrize("content", [b"<html>404</html>", b"\x89PNG\r\n\x1a\n", b"BM", encoded(smooth(0), "GIF")])
def test_other_contents_are_refused_without_an_address_in_memory(tmp_path: Path, content: bytes) -> None:
    assert refusal(tmp_path, content) == "no JPEG, PNG, BMP or WebP picture"


def test_a_png_of_16_bits_is_refused_and_not_cut_off_at_255(tmp_path: Path) -> None:
    assert refusal(tmp_path, encoded(Image.new("I;16", (32, 32), 4000), "PNG")) == "more than 8 bits a channel"


def test_a_damaged_header_that_claims_a_huge_picture_is_refused(tmp_path: Path) -> None:
    content = bytearray(encoded(smooth(0), "JPEG"))
    start = content.index(b"\xff\xc0")  # Then a length (2 bytes), a precision (1), height (2) and width (2).
    content[start + 5 : start + 9] = b"\xff\xdc\xff\xdc"
    assert refusal(tmp_path, bytes(content)) == "a picture of 65500 x 65500 pixels"


def test_a_missing_frame_and_a_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.jpg").mkdir()
    paths = (tmp_path / "none.jpg", *written(tmp_path, encoded(smooth(0), "JPEG")), tmp_path / "folder.jpg")
    frames, refused = read(paths, 32)
    assert refused == [Refused(0, "No such file or directory"), Refused(2, "Is a directory")]
    assert len(frames) == 1


def test_decoding_one_clip_names_the_frame_that_cannot_be_read(tmp_path: Path) -> None:
    paths = written(tmp_path, encoded(smooth(0), "JPEG"), b"")
    assert decode_clip(Clip("a", 0, paths[:1]), 16).shape == (1, 16, 16, 3)
    with pytest.raises(DataError, match=r"2\.jpg: frame cannot be read \(empty file\); unpack the clip again"):
        decode_clip(Clip("a", 0, paths), 16)
