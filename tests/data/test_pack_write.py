"""Packing that is killed, that waits for another, or that finds no room."""

import errno
import json
import multiprocessing
import os
import shutil
import signal
import threading
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from harness.data import pack as pack_module
from harness.data import pack_files, pack_write
from harness.data.clips import Clip, Listing, frame_files
from harness.data.pack import pack_clips
from harness.errors import DataError

CLIPS, SIZE = 24, 16
FRAMES_OF = [1 + number % 5 for number in range(CLIPS)]
FILES = ("frames.npy", "index.parquet", "meta.json", "quarantine.csv")
Usage = namedtuple("Usage", "total used free")


def pack_and_die(listing: Listing, out: Path, last: int, workers: int) -> None:
    """Pack until `last` clips are done, and be killed."""

    def die(done: int, total: int) -> None:
        if done == last:
            os.kill(os.getpid(), signal.SIGKILL)

    pack_clips(listing, SIZE, out, workers=workers, progress=die)


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    generator = np.random.default_rng(0)
    for number, frames in enumerate(FRAMES_OF):
        folder = tmp_path / "clips" / f"{number:02d}"
        folder.mkdir(parents=True)
        for frame in range(1, frames + 1):
            pixels = generator.integers(0, 255, (32, 32, 3), dtype=np.uint8)
            (folder / f"{frame}.jpg").write_bytes(simplejpeg.encode_jpeg(pixels))
    (tmp_path / "clips/03/2.jpg").write_bytes(b"torn")
    folders = sorted((tmp_path / "clips").iterdir())
    return Listing({folder.name: Clip(folder.name, 0, frame_files(folder)) for folder in folders}, {})


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the clips that are decoded from now on."""
    names: list[str] = []
    original = pack_write.read_batches

    def noting(frames, size, refused):
        names.append(frames[0].parent.name)
        return original(frames, size, refused)

    monkeypatch.setattr(pack_write, "read_batches", noting)
    return names


class Killed(BaseException):
    """Stands in for a kill where the process has to live on."""


def killed_at(last: int) -> Callable[[int, int], None]:
    def progress(done: int, clips: int) -> None:
        if done == last:
            raise Killed

    return progress


def interrupted(listing: Listing, out: Path, last: int, workers: int = 1) -> Path:
    with pytest.raises(Killed):
        pack_clips(listing, SIZE, out, workers=workers, progress=killed_at(last))
    return out.with_name(out.name + ".partial")


def assert_same(one: Path, two: Path) -> None:
    for name in FILES:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name
    assert sorted(path.name for path in one.iterdir()) == sorted(FILES)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_killed_process_goes_on_and_the_bytes_are_those_of_one_run(
    listing: Listing, tmp_path: Path, decoded: list[str]
) -> None:
    out = tmp_path / "pack"
    for last, workers in ((5, 1), (17, 3)):
        process = multiprocessing.get_context("fork").Process(target=pack_and_die, args=(listing, out, last, workers))
        process.start()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert not out.exists()
    pack_clips(listing, SIZE, out, workers=2)
    assert decoded == [f"{number:02d}" for number in range(17, CLIPS)]
    pack_clips(listing, SIZE, tmp_path / "whole")
    assert_same(out, tmp_path / "whole")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "pack", "whole"]


def test_progress_goes_on_where_it_was(listing: Listing, tmp_path: Path) -> None:
    interrupted(listing, tmp_path / "pack", 20)
    calls: list[tuple[int, int]] = []
    pack_clips(listing, SIZE, tmp_path / "pack", progress=lambda done, clips: calls.append((done, clips)))
    assert calls == [(21, 24), (22, 24), (23, 24), (24, 24)]


def test_a_clip_damaged_after_it_was_noted_is_decoded_again(
    listing: Listing, tmp_path: Path, decoded: list[str]
) -> None:
    partial = interrupted(listing, tmp_path / "pack", 10)
    with (partial / "frames.npy").open("r+b") as file:
        file.seek(128 + 3 * SIZE * SIZE * sum(FRAMES_OF[:4]))
        file.write(b"damage")
    decoded.clear()
    pack_clips(listing, SIZE, tmp_path / "pack")
    assert decoded == ["04", *[f"{number:02d}" for number in range(10, CLIPS)]]
    pack_clips(listing, SIZE, tmp_path / "whole")
    assert_same(tmp_path / "pack", tmp_path / "whole")


@pytest.mark.parametrize("tail", ['{"clip": "1', '{"clip": "10", "count": 1}', "\0\0\0\0\n{}\n"])
def test_a_torn_line_of_the_journal_is_not_trusted(
    listing: Listing, tmp_path: Path, decoded: list[str], tail: str
) -> None:
    partial = interrupted(listing, tmp_path / "pack", 10)
    with (partial / "journal.jsonl").open("a", encoding="utf-8") as file:
        file.write(tail)
    decoded.clear()
    pack_clips(listing, SIZE, tmp_path / "pack")
    assert decoded == [f"{number:02d}" for number in range(10, CLIPS)]


def test_rows_of_frames_that_became_unreadable_are_zero_again(listing: Listing, tmp_path: Path) -> None:
    """A killed run had read the frame, but not noted its clip."""
    partial = interrupted(listing, tmp_path / "pack", 1)
    row_03 = sum(FRAMES_OF[:3])
    with (partial / "frames.npy").open("r+b") as file:
        file.seek(128 + 3 * SIZE * SIZE * row_03)
        file.write(b"\x07" * (3 * SIZE * SIZE * FRAMES_OF[3]))
    pack = pack_clips(listing, SIZE, tmp_path / "pack")
    assert pack.count_N[3] == FRAMES_OF[3] - 1
    assert not pack.frames_FHWC[row_03 + FRAMES_OF[3] - 1].any()
    pack_clips(listing, SIZE, tmp_path / "whole")
    assert_same(tmp_path / "pack", tmp_path / "whole")


def test_work_on_other_files_is_thrown_away(listing: Listing, tmp_path: Path, decoded: list[str]) -> None:
    interrupted(listing, tmp_path / "pack", 10)
    decoded.clear()
    frame = listing.clips["00"].frames[0]
    frame.write_bytes(simplejpeg.encode_jpeg(np.zeros((32, 32, 3), dtype=np.uint8)))
    pack_clips(listing, SIZE, tmp_path / "pack")
    assert len(decoded) == CLIPS


def test_work_on_another_size_is_thrown_away(listing: Listing, tmp_path: Path, decoded: list[str]) -> None:
    interrupted(listing, tmp_path / "pack", 10)
    decoded.clear()
    assert pack_clips(listing, 8, tmp_path / "pack").frames_FHWC.shape[1] == 8
    assert len(decoded) == CLIPS


def test_work_of_other_versions_is_thrown_away(
    listing: Listing, tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    interrupted(listing, tmp_path / "pack", 10)
    decoded.clear()
    monkeypatch.setattr(pack_write, "made_with", lambda: {"simplejpeg": "another"})
    pack_clips(listing, SIZE, tmp_path / "pack")
    assert len(decoded) == CLIPS
    assert json.loads((tmp_path / "pack/meta.json").read_text())["made_with"] == {"simplejpeg": "another"}


def test_a_pack_that_only_had_to_take_its_place_is_not_made_again(
    listing: Listing, tmp_path: Path, decoded: list[str]
) -> None:
    pack_clips(listing, SIZE, tmp_path / "pack")
    (tmp_path / "pack").rename(tmp_path / "pack.partial")
    decoded.clear()
    pack_clips(listing, SIZE, tmp_path / "pack")
    assert decoded == []


def test_a_second_process_waits_sees_how_far_the_first_is_and_takes_its_pack(
    listing: Listing, tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pack_files, "POLL_SECONDS", 0.01)
    halfway, go_on = threading.Event(), threading.Event()
    packs = []

    def hold(done: int, clips: int) -> None:
        if done == 12:
            halfway.set()
            assert go_on.wait(30)

    seen: list[tuple[int, int]] = []

    def watch(done: int, clips: int) -> None:
        seen.append((done, clips))
        go_on.set()

    first = threading.Thread(target=lambda: packs.append(pack_clips(listing, SIZE, tmp_path / "pack", progress=hold)))
    first.start()
    assert halfway.wait(30)
    packs.append(pack_clips(listing, SIZE, tmp_path / "pack", progress=watch))
    first.join()
    assert seen[0] == (12, 24)
    assert len(decoded) == CLIPS
    assert np.array_equal(packs[0].frames_FHWC, packs[1].frames_FHWC)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clips", "pack"]


def test_a_lock_file_left_by_a_killed_process_holds_nobody_up(listing: Listing, tmp_path: Path) -> None:
    (tmp_path / ".pack.lock").touch()
    assert pack_clips(listing, SIZE, tmp_path / "pack").quarantined == 1


def test_a_lock_file_removed_while_it_was_opened_does_not_count(tmp_path: Path) -> None:
    lock = tmp_path / "lock"
    original = os.stat

    def removed_by_its_holder(path):
        lock.unlink(missing_ok=True)
        return original(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "stat", removed_by_its_holder)
        assert pack_files._lock(lock) is None


def test_a_disk_too_small_is_refused_before_anything_is_decoded(
    listing: Listing, tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**9, 10**9 - 4_000_000, 4_000_000))
    # 70 frames of 224 x 224 x 3 bytes.
    with pytest.raises(DataError, match=r"needs 0\.011 GB more and 0\.004 GB are free; make room or name"):
        pack_clips(listing, 224, tmp_path / "pack")
    assert decoded == []
    assert [path.name for path in tmp_path.iterdir()] == ["clips"]


def test_a_disk_that_fills_up_is_said_and_the_work_kept(
    listing: Listing, tmp_path: Path, decoded: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    original, calls = os.pwrite, []

    def full_at_the_tenth(file, data, place):
        calls.append(place)
        if len(calls) > 9:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(file, data, place)

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full_at_the_tenth)
        with pytest.raises(DataError, match=r"the disk is full; make room and run again, it goes on from here"):
            pack_clips(listing, SIZE, tmp_path / "pack")
    decoded.clear()
    pack_clips(listing, SIZE, tmp_path / "pack")
    assert 0 < len(decoded) < CLIPS
    pack_clips(listing, SIZE, tmp_path / "whole")
    assert_same(tmp_path / "pack", tmp_path / "whole")


def test_short_writes_are_gone_on_with(listing: Listing, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, place: original(file, data[:500], place))
    pack = pack_clips(listing, SIZE, tmp_path / "pack")
    assert pack_module.verify_pack(pack.path) == []


def test_a_place_that_cannot_be_written_is_refused(listing: Listing, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match="cannot be written"):
        pack_clips(listing, SIZE, tmp_path / "file" / "pack")
