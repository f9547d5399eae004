"""Files that a disk, a copy or a hand has altered are not taken for what they were."""

import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from targets_packs import a_listing
from targets_runs import a_run

from harness.data.pack import pack_clips, verify_pack
from harness.engine import checkpoint
from harness.errors import DataError, RunError
from harness.runs.records import read_run


def flip(path: Path, at: int) -> None:
    """One bit of one byte."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def saved(folder: Path, steps: int = 2) -> Path:
    path = folder / "checkpoint.pt"
    for step in range(1, steps + 1):
        checkpoint.save(path, {"digest": "d", "step": step, "weights": torch.full((1000,), float(step))})
    return path


def step_of(path: Path) -> Any:
    loaded = checkpoint.load(path, "d")
    return loaded and (loaded["step"], float(loaded["weights"].sum()))


def test_a_checkpoint_cut_short_anywhere_gives_way_to_the_one_before(tmp_path: Path) -> None:
    path = saved(tmp_path)
    data = path.read_bytes()
    for length in range(0, len(data) - 1, len(data) // 40):
        path.write_bytes(data[:length])
        assert step_of(path) == (1, 1000.0)


def test_a_flipped_bit_in_the_weights_gives_way_to_the_one_before(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = saved(tmp_path)
    weights = torch.full((1000,), 2.0).numpy().tobytes()
    flip(path, path.read_bytes().index(weights) + 2001)
    with caplog.at_level(logging.WARNING):
        assert step_of(path) == (1, 1000.0)
    assert "is altered: another CRC-32); going on from checkpoint-before.pt" in caplog.text


def test_killed_between_two_renames_the_one_before_is_there(tmp_path: Path) -> None:
    path = saved(tmp_path)
    path.unlink()
    assert step_of(path) == (1, 1000.0)


def test_with_both_checkpoints_damaged_the_run_is_refused(tmp_path: Path) -> None:
    path = saved(tmp_path)
    for one in (path, checkpoint.before(path)):
        one.write_bytes(one.read_bytes()[:100])
    with pytest.raises(
        RunError, match=r"cannot be read: checkpoint\.pt .*; checkpoint-before\.pt .*remove it to train"
    ):
        checkpoint.load(path, "d")


def test_what_a_killed_save_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    path = saved(tmp_path)
    (tmp_path / ".checkpoint.pt.0123abcd").write_bytes(b"half")
    (tmp_path / ".other.0123abcd").write_bytes(b"another's")
    assert step_of(path) == (2, 2000.0)
    assert sorted(one.name for one in tmp_path.iterdir()) == [
        ".other.0123abcd",
        "checkpoint-before.pt",
        "checkpoint.pt",
    ]


def test_a_flipped_bit_in_a_pack_names_its_clip(tmp_path: Path) -> None:
    pack = pack_clips(a_listing(tmp_path), 16, tmp_path / "pack")
    assert verify_pack(pack.path) == []
    second = int(pack.offset_N[1]) * 3 * 16 * 16
    flip(pack.path / "frames.npy", -len(pack.frames_FHWC.tobytes()) + second)
    assert verify_pack(pack.path) == [pack.names[1]]


@pytest.mark.parametrize(
    "name", ["predictions.parquet", "epochs.jsonl", "config.json", "environment.json", "features.safetensors"]
)
def test_a_flipped_bit_in_a_finished_run_names_the_file(name: str, tmp_path: Path) -> None:
    run = a_run(tmp_path, "baseline")
    flip(run / name, -20)
    with pytest.raises(RunError, match=rf"{name}: altered, its sha256 is not the one in DONE"):
        read_run(run)


def test_an_experiment_refuses_a_pack_whose_frames_changed(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from harness.manifest import load_dataset
    from harness.runs import experiment

    pack = pack_clips(a_listing(tmp_path), 16, tmp_path / "pack")
    lines: list[str] = []
    prepared: Any = SimpleNamespace(path=pack.path, pack=pack)
    watcher: Any = SimpleNamespace(line=lines.append)
    experiment._hash_again(prepared, load_dataset("rendered"), watcher)
    flip(pack.path / "frames.npy", -1)
    with pytest.raises(DataError, match=f"the frames of {pack.names[-1]} changed since packing; remove the folder"):
        experiment._hash_again(prepared, load_dataset("rendered"), watcher)
    assert lines == []


def test_rendering_does_not_share_its_folder_with_what_a_killed_process_left(tmp_path: Path) -> None:
    import os
    import socket

    from harness.data.rendered.place import partial_folder

    gone = next(pid for pid in range(400_000, 10**6) if not Path(f"/proc/{pid}").exists())
    mine, dead, live, other = (
        tmp_path / f"faces.partial-{host}-{pid}"
        for host, pid in (
            (socket.gethostname(), os.getpid()),
            (socket.gethostname(), gone),
            (socket.gethostname(), os.getppid()),
            ("elsewhere", gone),
        )
    )
    for folder in (mine, dead, live, other):
        (folder / "Clip").mkdir(parents=True)
        (folder / "Clip" / "1.jpg").write_bytes(b"half a pict")
    with partial_folder(tmp_path / "faces", ("Clip",)) as partial:
        assert list((partial / "Clip").iterdir()) == []
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "faces", live, other])
