"""Packs: the decoded frames, where each clip lies, which frames are missing, and what is refused."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.data.clips import Clip, Fold, Listing
from harness.data.pack import open_pack, pack_clips, verify_pack
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


def by_pillow(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:200])


def quarantine(pack: Path) -> list[list[str]]:
    with (pack / "quarantine.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def flip_byte(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1]))


def test_a_pack_holds_every_frame_of_every_clip(tmp_path: Path) -> None:
    listing = listing_of(tmp_path / "clips", {"a": 3, "b": 5, "c": 1})
    pack = pack_clips(listing, 24, tmp_path / "pack", workers=2)
    assert (pack.names, pack.count_N.tolist(), pack.offset_N.tolist()) == (("a", "b", "c"), [3, 5, 1], [0, 3, 8])
    assert (pack.label_N.tolist(), pack.quarantined) == ([0, 1, 2], 0)
    expected = np.stack([by_pillow(frame) for clip in listing.clips.values() for frame in clip.frames])
    assert np.array_equal(pack.frames_FHWC, expected)


def test_a_clip_of_more_frames_than_are_decoded_at_a_time_is_whole(tmp_path: Path) -> None:
    listing = listing_of(tmp_path / "clips", {"a": 37})
    pack = pack_clips(listing, 24, tmp_path / "pack")
    assert np.array_equal(pack.frames_FHWC, np.stack([by_pillow(frame) for frame in listing.clips["a"].frames]))


def test_gather_counts_frames_from_each_clips_start(tmp_path: Path) -> None:
    pack = pack_clips(listing_of(tmp_path / "clips", {"a": 3, "b": 5}), 24, tmp_path / "pack")
    taken = pack.gather(np.array([1, 0]), np.array([[0, 4], [2, 2]]))
    assert taken.shape == (2, 2, 24, 24, 3)
    assert np.array_equal(taken[0, 1].numpy(), pack.frames_FHWC[7])
    assert np.array_equal(taken[1, 0].numpy(), pack.frames_FHWC[2])


def test_the_number_of_threads_changes_no_byte(tmp_path: Path) -> None:
    listing = listing_of(tmp_path / "clips", {f"clip {i}": 1 + i % 5 for i in range(30)}, side=40)
    truncate(listing.clips["clip 7"].frames[1])
    for workers in (1, 3):
        pack_clips(listing, 24, tmp_path / f"pack{workers}", workers=workers)
    files = sorted(path.name for path in (tmp_path / "pack1").iterdir())
    assert files == ["frames.npy", "index.parquet", "meta.json", "quarantine.csv"]
    for name in files:
        assert (tmp_path / "pack1" / name).read_bytes() == (tmp_path / "pack3" / name).read_bytes()


def test_frames_are_numbered_from_one(tmp_path: Path) -> None:
    pack = pack_clips(listing_of(tmp_path / "clips", {"a": 3, "b": 2}), 24, tmp_path / "pack")
    assert pack.frame_numbers(0).tolist() == [1, 2, 3]
    assert pack.frame_numbers(1).tolist() == [1, 2]


def test_an_unreadable_frame_is_left_out_and_named(tmp_path: Path) -> None:
    listing = listing_of(tmp_path / "clips", {"a": 2, "b": 4, "c": 2})
    truncate(listing.clips["b"].frames[1])
    listing.clips["b"].frames[3].write_bytes(b"")
    pack = pack_clips(listing, 24, tmp_path / "pack")
    assert pack.quarantined == 2
    assert [row[:2] for row in quarantine(pack.path)] == [["clip", "frame"], ["b", "2.jpg"], ["b", "4.jpg"]]
    assert quarantine(pack.path)[2][2] == "empty file"
    assert pack.count_N.tolist() == [2, 2, 2]
    first, count = pack.offset_N[1], pack.count_N[1]
    kept = [by_pillow(listing.clips["b"].frames[index]) for index in (0, 2)]
    assert np.array_equal(pack.frames_FHWC[first : first + count], np.stack(kept))
    assert np.array_equal(pack.frames_FHWC[pack.offset_N[2]], by_pillow(listing.clips["c"].frames[0]))


def test_a_clip_with_frames_left_out_knows_the_numbers_of_the_others(tmp_path: Path) -> None:
    listing = listing_of(tmp_path / "clips", {"a": 2, "b": 4})
    truncate(listing.clips["b"].frames[1])
    pack = pack_clips(listing, 24, tmp_path / "pack")
    assert pack.frame_numbers(1).tolist() == [1, 3, 4]
    assert list(pack.numbers) == [1]  # The others need no room.


def test_a_stretch_of_a_video_keeps_the_videos_frame_numbers(tmp_path: Path) -> None:
    frames = listing_of(tmp_path / "clips", {"a": 4}).clips["a"].frames
    truncate(frames[0])
    listing = Listing({"v/00007-00012": Clip("v/00007-00012", 0, frames, "v", (7, 8, 11, 12))}, {})
    assert pack_clips(listing, 24, tmp_path / "pack").frame_numbers(0).tolist() == [8, 11, 12]


def test_clips_without_a_readable_frame_are_refused_by_name(tmp_path: Path) -> None:
    listing = listing_of(tmp_path / "clips", {"a": 2, "b": 1, "c": 1})
    for name in ("b", "c"):
        listing.clips[name].frames[0].write_bytes(b"")
    expected = r"2 clips: b, c: no frame can be read \(empty file\); unpack again or take out of the lists"
    with pytest.raises(DataError, match=expected):
        pack_clips(listing, 24, tmp_path / "pack")
    assert not (tmp_path / "pack").exists()


def test_a_listing_without_clips_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no clip to pack"):
        pack_clips(Listing({}, {}), 24, tmp_path / "pack")


def test_a_frame_that_is_gone_is_refused(tmp_path: Path) -> None:
    listing = listing_of(tmp_path / "clips", {"a": 2})
    listing.clips["a"].frames[1].unlink()
    with pytest.raises(DataError, match=r"2\.jpg: frame is gone"):
        pack_clips(listing, 24, tmp_path / "pack")


def test_a_pack_of_the_same_files_is_not_made_again(tmp_path: Path) -> None:
    listing = listing_of(tmp_path / "clips", {"a": 2})
    pack_clips(listing, 24, tmp_path / "pack")
    before = (tmp_path / "pack" / "frames.npy").stat().st_mtime_ns
    pack_clips(listing, 24, tmp_path / "pack")
    assert (tmp_path / "pack" / "frames.npy").stat().st_mtime_ns == before


def test_a_pack_of_other_files_or_another_size_is_made_again(tmp_path: Path) -> None:
    pack_clips(listing_of(tmp_path / "one", {"a": 2}), 24, tmp_path / "pack")
    other = listing_of(tmp_path / "two", {"a": 2, "b": 2})
    assert pack_clips(other, 24, tmp_path / "pack").names == ("a", "b")
    assert pack_clips(other, 16, tmp_path / "pack").frames_FHWC.shape == (4, 16, 16, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "pack", "two"]


def test_a_pack_of_an_older_version_is_refused_and_made_again(tmp_path: Path) -> None:
    listing = listing_of(tmp_path / "clips", {"a": 2})
    meta = tmp_path / "pack" / "meta.json"
    pack_clips(listing, 24, meta.parent)
    old = {"shape": [2, 24, 24, 3], "fingerprint": listing.fingerprint(), "sha256": "", "clips": 1}
    meta.write_text(json.dumps(old), encoding="utf-8")
    with pytest.raises(DataError, match="of another version"):
        open_pack(meta.parent)
    assert pack_clips(listing, 24, meta.parent).frame_numbers(0).tolist() == [1, 2]


def test_a_folder_that_is_no_pack_is_not_replaced(tmp_path: Path) -> None:
    listing = listing_of(tmp_path / "clips", {"a": 2})
    with pytest.raises(DataError, match="holds something else than a whole pack"):
        pack_clips(listing, 24, tmp_path / "clips")
    assert listing.clips["a"].frames[0].is_file()


@pytest.mark.parametrize("lost", ["meta.json", "index.parquet", "frames.npy", "quarantine.csv"])
def test_a_pack_that_is_not_whole_is_refused(tmp_path: Path, lost: str) -> None:
    pack_clips(listing_of(tmp_path / "clips", {"a": 2}), 24, tmp_path / "pack")
    (tmp_path / "pack" / lost).unlink()
    with pytest.raises(DataError, match="not a whole pack"):
        open_pack(tmp_path / "pack")


@pytest.mark.parametrize("name", ["index.parquet", "quarantine.csv"])
def test_an_altered_table_is_refused(tmp_path: Path, name: str) -> None:
    pack_clips(listing_of(tmp_path / "clips", {"a": 2}), 24, tmp_path / "pack")
    flip_byte(tmp_path / "pack" / name, 9)
    with pytest.raises(DataError, match=rf"{name}: not what meta\.json says; remove the folder and run again"):
        open_pack(tmp_path / "pack")


@pytest.mark.parametrize("cut", [-1, 1])
def test_frames_of_another_size_are_refused(tmp_path: Path, cut: int) -> None:
    pack_clips(listing_of(tmp_path / "clips", {"a": 2}), 24, tmp_path / "pack")
    frames = tmp_path / "pack" / "frames.npy"
    content = frames.read_bytes()
    frames.write_bytes(content[:-1] if cut < 0 else content + b"\0")
    with pytest.raises(DataError, match="remove the folder and run again"):
        open_pack(tmp_path / "pack")


def test_a_flipped_byte_is_found_and_its_clip_named(tmp_path: Path) -> None:
    pack = pack_clips(listing_of(tmp_path / "clips", {"a": 3, "b": 5, "c": 1}), 24, tmp_path / "pack")
    assert verify_pack(pack.path, workers=2) == []
    flip_byte(pack.path / "frames.npy", 128 + 7 * 24 * 24 * 3 + 100)  # Frame 5 of b, behind a header of 128 bytes.
    calls: list[tuple[int, int]] = []
    assert verify_pack(pack.path, progress=lambda done, clips: calls.append((done, clips))) == ["b"]
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_packs_can_be_copied(tmp_path: Path) -> None:
    pack = pack_clips(listing_of(tmp_path / "clips", {"a": 2}), 24, tmp_path / "pack")
    shutil.copytree(tmp_path / "pack", tmp_path / "copy")
    assert np.array_equal(open_pack(tmp_path / "copy").frames_FHWC, pack.frames_FHWC)
