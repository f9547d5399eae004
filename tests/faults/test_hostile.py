"""Files made to run code when they are read: none is run, and the file is refused by name."""

import io
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from targets_packs import a_listing
from targets_runs import a_config, a_run

from harness.data import prepare
from harness.data.pack import open_pack, pack_clips
from harness.data.prepare import open_prepared, pack_listing
from harness.engine import checkpoint
from harness.errors import DataError, HarnessError, RunError
from harness.manifest import load_dataset
from harness.runs.records import read_run, seal
from harness.upstream.initial import load_initial


class Hostile:
    """Pickled, it makes a folder when it is read."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.trace),)


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    return tmp_path / "code-was-run"


def pickled(trace: Path) -> bytes:
    return pickle.dumps(Hostile(trace))


def as_torch(content: object) -> bytes:
    file = io.BytesIO()
    torch.save(content, file)
    return file.getvalue()


def as_npy(trace: Path) -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([Hostile(trace)], dtype=object), allow_pickle=True)
    return file.getvalue()


def as_npz(trace: Path) -> bytes:
    file = io.BytesIO()
    hostile = np.array([Hostile(trace)], dtype=object)
    np.savez(file, label_NA=hostile, mask_N=hostile, unit_A=hostile, source=hostile)
    return file.getvalue()


def refused(error: type[HarnessError], trace: Path, read: Callable[[], object], name: str) -> None:
    """`read` refuses the file by name, in one line, and no code of the file was run."""
    with pytest.raises(error, match=name) as said:
        read()
    assert "\n" not in str(said.value)
    assert not trace.exists()


def test_the_pickle_is_hostile(trace: Path) -> None:
    """Otherwise nothing is tested here."""
    pickle.loads(pickled(trace))
    assert trace.is_dir()


@pytest.mark.parametrize("old_format", [False, True])
def test_a_checkpoint_with_code_is_refused(old_format: bool, trace: Path, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    state = {"digest": "d", "step": 1, "model": Hostile(trace)}
    torch.save(state, path, _use_new_zipfile_serialization=not old_format)
    refused(RunError, trace, lambda: checkpoint.load(path, "d"), r"checkpoint\.pt")


def test_a_bare_pickle_as_checkpoint_is_refused(trace: Path, tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(pickled(trace))
    refused(RunError, trace, lambda: checkpoint.load(path, "d"), r"checkpoint\.pt")


@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.safetensors"])
def test_initial_weights_with_code_are_refused(name: str, trace: Path, tmp_path: Path) -> None:
    for content in (as_torch({"model": Hostile(trace)}), as_torch(Hostile(trace)), pickled(trace)):
        (tmp_path / name).write_bytes(content)
        refused(RunError, trace, lambda: load_initial("m3dfel", "demo", tmp_path / name), name)


def test_frames_of_a_pack_with_code_are_refused(trace: Path, tmp_path: Path) -> None:
    pack = pack_clips(a_listing(tmp_path), 16, tmp_path / "pack")
    (pack.path / "frames.npy").write_bytes(as_npy(trace))
    refused(DataError, trace, lambda: open_pack(pack.path), "pack")


def test_au_labels_with_code_are_refused_and_made_again(trace: Path, tmp_path: Path) -> None:
    pack = pack_listing(load_dataset("rendered"), a_listing(tmp_path), 16, tmp_path)
    path = pack.path / "au_all.npz"
    path.write_bytes(as_npz(trace))
    refused(DataError, trace, lambda: open_prepared(pack.path).au_labels("all"), r"au_all\.npz")
    assert prepare._stored_source(path) == ""
    assert not trace.exists()


@pytest.mark.parametrize("name", ["predictions.parquet", "features.safetensors", "epochs.jsonl", "environment.json"])
def test_a_run_with_a_pickle_in_place_of_a_file_is_refused(name: str, trace: Path, tmp_path: Path) -> None:
    run = a_run(tmp_path / "runs", "baseline")
    (run / name).write_bytes(pickled(trace))
    (run / "DONE").unlink()
    seal(run)

    def read() -> None:
        found = read_run(run)
        assert found.predictions
        assert found.features

    refused(RunError, trace, read, name)


def test_a_configuration_that_leads_out_of_the_folder_of_runs_is_refused(tmp_path: Path) -> None:
    from harness.errors import ManifestError
    from harness.manifest import read_run_config

    config = json.loads(a_config("baseline").canonical_json())
    for name in ("../elsewhere", "/etc", "a/../../b", "", "..", "a\nb"):
        (tmp_path / "config.json").write_text(json.dumps({**config, "experiment": name}))
        with pytest.raises(ManifestError, match="experiment"):
            read_run_config(tmp_path / "config.json")
