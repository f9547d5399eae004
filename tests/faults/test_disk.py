"""A disk that is full, or may not be written: one line that names the place, and what was there is still there."""

import errno
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch

from harness import cli
from harness.engine import checkpoint
from harness.errors import DataError, RunError
from harness.files import write_text
from harness.runs import worker

SMALL = 1 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small file system")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


def fill(disk: Path) -> Path:
    """A file that takes all the room there is."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"\1" * 4096)
    return ballast


def state(step: int, numbers: int) -> dict[str, Any]:
    return {"digest": "d", "step": step, "weights": torch.zeros(numbers)}


def test_a_checkpoint_that_finds_no_room_leaves_the_one_there(disk: Path) -> None:
    path = disk / "checkpoint.pt"
    checkpoint.save(path, state(1, 1000))
    with pytest.raises(OSError, match="No space left"):
        checkpoint.save(path, state(2, SMALL))
    assert sorted(os.listdir(disk)) == ["checkpoint.pt"]
    loaded = checkpoint.load(path, "d")
    assert loaded is not None
    assert loaded["step"] == 1


def test_a_text_that_finds_no_room_leaves_the_one_there(disk: Path) -> None:
    write_text(disk / "a.md", "old\n")
    ballast = fill(disk)
    with pytest.raises(OSError, match="No space left"):
        write_text(disk / "a.md", "new\n" * 10_000)
    assert (disk / "a.md").read_text() == "old\n"
    ballast.unlink()
    write_text(disk / "a.md", "new\n")
    assert sorted(os.listdir(disk)) == ["a.md"]


def run_dir_at(disk: Path, monkeypatch: pytest.MonkeyPatch, config: str, numbers: int) -> Path:
    """A run whose training writes one checkpoint of so many numbers."""
    run_dir = disk / "fold1-seed0-0123456789ab"
    run_dir.mkdir()
    write_text(run_dir / "config.json", config)
    monkeypatch.setattr(
        worker, "_train_native", lambda *_: checkpoint.save(run_dir / "checkpoint.pt", state(1, numbers))
    )
    return run_dir


@pytest.fixture
def config() -> str:
    from targets_runs import a_config

    return a_config("baseline").canonical_json()


def test_a_run_on_a_full_disk_says_so_and_is_not_sealed(
    disk: Path, config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_dir = run_dir_at(disk, monkeypatch, config, SMALL)
    with pytest.raises(RunError, match=r"0123456789ab: cannot be written \(No space left on device\); make room"):
        worker.execute(run_dir, None, lambda *_: None)  # type: ignore[arg-type]
    assert not (run_dir / "DONE").exists()
    assert not (run_dir / "checkpoint.pt").exists()


def test_a_run_in_a_read_only_folder_says_so(disk: Path, config: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run_dir = run_dir_at(disk, monkeypatch, config, 10)
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(RunError, match=r"cannot be written \(Read-only file system\)"):
        worker.execute(run_dir, None, lambda *_: None)  # type: ignore[arg-type]


def test_rendering_where_one_may_not_write_says_so(disk: Path) -> None:
    from harness.data.rendered.place import partial_folder

    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    with pytest.raises(DataError, match="Read-only file system"), partial_folder(disk / "faces", ("frames",)):
        pass


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS])
def test_the_command_ends_with_one_line_and_code_two(
    number: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(**_: object) -> None:
        raise OSError(number, os.strerror(number), "some/where")

    monkeypatch.setattr(cli, "app", fails)
    monkeypatch.setattr(sys, "argv", ["audfer", "demo"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said == f"audfer: some/where: cannot be written ({os.strerror(number)}); make room or give rights\n"
