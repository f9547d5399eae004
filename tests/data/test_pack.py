"""Packs: the decoded frames, where each clip lies, and what happens when something is missing."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.data.clips import Clip, Fold, Listing
from harness.data.pack import decode_clip, open_pack, pack_clips
from harness.errors import DataError


def listing_of(folder: Path, lengths: dict[str, int], side: int = 24) -> Listing:
    generator = np.random.default_rng(0)
    clips = {}
    for label, (name, count) in enumerate(lengths.items()):
        (folder / name).mkdir(parents=True)
        frames = []
        for number in range(1, count + 1):
            path = folder / name / f"{number}.jpg"
            smooth = generator.integers(0, 255, (4, 4, 3), dtype=np.uint8)
            Image.fromarray(smooth).resize((side, side), Image.Resampling.BILINEAR).save(path, quality=95)
            frames.append(path)
        clips[name] = Clip(name, label, tuple(frames))
    return Listing(clips, {1: Fold(1, tuple(lengths), ())})


def test_a_pack_holds_every_frame_of_every_clip(tmp_path: Path) -> None:
    listing = listing_of(tmp_path / "clips", {"a": 3, "b": 5, "c": 1})
    pack = pack_clips(listing, 24, tmp_path / "pack", workers=2)
    assert (pack.names, pack.count_N.tolist(), pack.offset_N.tolist()) == (("a", "b", "c"), [3, 5, 1], [0, 3, 8])
    with Image.open(listing.clips["b"].frames[4]) as picture:
        expected = np.asarray(picture.convert("RGB"))
    assert np.abs(pack.frames_FHWC[7].astype(int) - expected).max() <= 1


def test_frames_are_resized_as_pillow_does(tmp_path: Path) -> None:
    clip = listing_of(tmp_path, {"a": 1}, side=40).clips["a"]
    with Image.open(clip.frames[0]) as picture:
        expected = np.asarray(picture.resize((24, 24), Image.Resampling.BILINEAR))
    assert np.abs(decode_clip(clip, 24)[0].astype(int) - expected).max() <= 1


def test_gather_counts_frames_from_each_clips_start(tmp_path: Path) -> None:
    pack = pack_clips(listing_of(tmp_path / "clips", {"a": 3, "b": 5}), 24, tmp_path / "pack")
    taken = pack.gather(np.array([1, 0]), np.array([[0, 4], [2, 2]]))
    assert taken.shape == (2, 2, 24, 24, 3)
    assert np.array_equal(taken[0, 1].numpy(), pack.frames_FHWC[7])
    assert np.array_equal(taken[1, 0].numpy(), pack.frames_FHWC[2])


def test_a_pack_of_the_same_files_is_not_made_again(tmp_path: Path) -> None:
    listing = listing_of(tmp_path / "clips", {"a": 2})
    pack_clips(listing, 24, tmp_path / "pack")
    before = (tmp_path / "pack" / "frames.npy").stat().st_mtime_ns
    pack_clips(listing, 24, tmp_path / "pack")
    assert (tmp_path / "pack" / "frames.npy").stat().st_mtime_ns == before


def test_a_pack_of_other_files_is_made_again(tmp_path: Path) -> None:
    pack_clips(listing_of(tmp_path / "one", {"a": 2}), 24, tmp_path / "pack")
    pack = pack_clips(listing_of(tmp_path / "two", {"a": 2, "b": 2}), 24, tmp_path / "pack")
    assert pack.names == ("a", "b")


def test_a_truncated_frame_is_named_and_leaves_nothing(tmp_path: Path) -> None:
    listing = listing_of(tmp_path / "clips", {"a": 3})
    frame = listing.clips["a"].frames[1]
    frame.write_bytes(frame.read_bytes()[:200])
    with pytest.raises(DataError, match=r"2\.jpg: frame cannot be decoded .*unpack the clip again"):
        pack_clips(listing, 24, tmp_path / "pack")
    assert [path.name for path in tmp_path.iterdir()] == ["clips"]


@pytest.mark.parametrize("lost", ["meta.json", "index.parquet", "frames.npy"])
def test_a_pack_that_is_not_whole_is_refused(tmp_path: Path, lost: str) -> None:
    pack_clips(listing_of(tmp_path / "clips", {"a": 2}), 24, tmp_path / "pack")
    (tmp_path / "pack" / lost).unlink()
    with pytest.raises(DataError, match="not a whole pack"):
        open_pack(tmp_path / "pack")


def test_clips_with_frames_of_two_sizes_are_resized_one_by_one(tmp_path: Path) -> None:
    clip = listing_of(tmp_path, {"a": 2}).clips["a"]
    with Image.open(clip.frames[0]) as picture:
        picture.resize((30, 30)).save(clip.frames[0])
    assert decode_clip(clip, 16).shape == (2, 16, 16, 3)


def test_packs_can_be_copied(tmp_path: Path) -> None:
    pack = pack_clips(listing_of(tmp_path / "clips", {"a": 2}), 24, tmp_path / "pack")
    shutil.copytree(tmp_path / "pack", tmp_path / "copy")
    assert np.array_equal(open_pack(tmp_path / "copy").frames_FHWC, pack.frames_FHWC)
