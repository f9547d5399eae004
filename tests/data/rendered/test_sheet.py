"""The picture for the README."""

from pathlib import Path

import numpy as np
from PIL import Image

from harness.data.rendered.sheet import contact_sheet, png


def test_a_png_is_read_back_by_pillow(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    (tmp_path / "a.png").write_bytes(png(picture))
    with Image.open(tmp_path / "a.png") as read:
        assert (np.asarray(read) == picture).all()


def test_the_sheet_is_small_and_the_same_twice(tmp_path: Path) -> None:
    first, second = tmp_path / "docs" / "a.png", tmp_path / "b.png"
    contact_sheet(first)
    contact_sheet(second)
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_bytes()) < 150_000
    with Image.open(first) as read:
        assert read.size == (7 * 104, 16 + 3 * 104)
