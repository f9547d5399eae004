"""Frames of wrong clips: which ones, from where, within a limit."""

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from harness.errors import DataError
from harness.manifest import load_dataset
from harness.report.page.pictures import FRAMES, SIDE, strips
from harness.runs.records import Run, read_run

# The rendered clips are 00001 to 00080, those of a synthetic run 00000 to 00055: the first is right.
SAID = [(0, 0)] + [(0, 1)] * 10 + [(4, 4)] * 42 + [(5, 0)] * 3


@pytest.fixture
def wrong_run(write_run: Callable[..., Path], run_config: Callable[..., Any]) -> Callable[..., Run]:
    """A run with wrong clips of two expressions; all are equally sure, so that the first three of each are listed."""

    def write(**changes: Any) -> Run:
        return read_run(write_run(run_config(**changes), predicted=SAID))

    return write


def test_a_strip_holds_four_frames_of_the_clip(wrong_run: Callable[..., Run], rendered_root: Path) -> None:
    found = strips([wrong_run()], {"rendered": (load_dataset("rendered"), rendered_root)})
    assert list(found.strips["rendered"]) == ["00001", "00002", "00003", "00053", "00054", "00055"]
    assert found.left_out == 0
    start, _, content = found.strips["rendered"]["00001"].partition(",")
    assert start == "data:image/webp;base64"
    with Image.open(io.BytesIO(base64.b64decode(content))) as picture:
        assert picture.size == (FRAMES * SIDE, SIDE)


def test_runs_of_one_clip_share_its_strip(wrong_run: Callable[..., Run], rendered_root: Path) -> None:
    runs = [wrong_run(), wrong_run(seed=1)]
    found = strips(runs, {"rendered": (load_dataset("rendered"), rendered_root)})
    assert len(found.strips["rendered"]) == 6


def test_a_limit_leaves_clips_out_and_counts_them(wrong_run: Callable[..., Run], rendered_root: Path) -> None:
    source = {"rendered": (load_dataset("rendered"), rendered_root)}
    run = wrong_run()
    whole = strips([run], source)
    limit = len(whole.strips["rendered"]["00001"]) + 10
    found = strips([run], source, limit)
    assert list(found.strips["rendered"]) == ["00001"]
    assert found.left_out == 5


def test_a_frame_that_cannot_be_read_leaves_its_clip_out(
    wrong_run: Callable[..., Run], rendered_root: Path, tmp_path: Path
) -> None:
    manifest = load_dataset("rendered")
    root = tmp_path / "faces" / manifest.frames_dir
    root.mkdir(parents=True)
    for name in ("00001", "00002", "00003", "00053", "00054", "00055"):
        (root / name).symlink_to(rendered_root / manifest.frames_dir / name)
    (root / "00002").unlink()
    (root / "00002").mkdir()
    (root / "00002" / "1.jpg").write_bytes(b"no picture")
    found = strips([wrong_run()], {"rendered": (manifest, tmp_path / "faces")})
    assert "00002" not in found.strips["rendered"]
    assert (len(found.strips["rendered"]), found.left_out) == (5, 1)


def test_a_root_without_the_clips_is_an_error(wrong_run: Callable[..., Run], tmp_path: Path) -> None:
    with pytest.raises(DataError, match="clip folder cannot be read"):
        strips([wrong_run()], {"rendered": (load_dataset("rendered"), tmp_path)})


def test_a_data_set_whose_frames_are_not_at_hand_has_none(wrong_run: Callable[..., Run]) -> None:
    assert strips([wrong_run()], {}).strips == {}
