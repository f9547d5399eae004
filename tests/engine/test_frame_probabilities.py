"""Probabilities of frames, by the model of a run that was trained here."""

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from harness.au.units import EXPRESSIONS
from harness.data.augment import whole_frames
from harness.data.pack import Pack
from harness.data.prepare import Prepared
from harness.engine import frame_probabilities as module
from harness.engine.fold import load_fold
from harness.engine.frame_probabilities import frame_probabilities, load_frame_model, windows
from harness.engine.setup import build
from harness.engine.train import train_run
from harness.errors import RunError
from harness.manifest import RunConfig

MakeConfig = Callable[..., RunConfig]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Where the one trained run of this file lies."""
    return {"run": tmp_path_factory.mktemp("run")}


@pytest.fixture
def run(trained: dict[str, Path], make_config: MakeConfig, prepared: Prepared) -> tuple[Path, RunConfig]:
    config = make_config("m3dfel", "baseline", epochs=1)
    if not (trained["run"] / "checkpoint.pt").is_file():
        train_run(config, load_fold(prepared, config), trained["run"])
    return trained["run"], config


def short(pack: Pack, clips: int, frames: int) -> Pack:
    """The first clips of a pack, each cut to its first frames."""
    return dataclasses.replace(
        pack,
        names=pack.names[:clips],
        label_N=pack.label_N[:clips],
        offset_N=pack.offset_N[:clips],
        count_N=np.minimum(pack.count_N[:clips], frames),
        fingerprint=f"{pack.fingerprint}-{clips}-{frames}",
    )


def as_one(pack: Pack, clips: int) -> Pack:
    """The first clips of a pack as one long clip."""
    whole = short(pack, clips, 1000)
    return dataclasses.replace(
        whole,
        names=("all",),
        label_N=whole.label_N[:1],
        offset_N=whole.offset_N[:1],
        count_N=np.array([whole.count_N.sum()]),
    )


def test_windows_lie_around_their_frame_and_inside_the_clip() -> None:
    frame_WT, window_F = windows(7, 4, 1)
    assert frame_WT.tolist() == [[0, 1, 2, 3], [1, 2, 3, 4], [2, 3, 4, 5], [3, 4, 5, 6]]
    assert window_F.tolist() == [0, 0, 0, 1, 2, 3, 3]


def test_a_stride_gives_the_nearest_answer() -> None:
    frame_WT, window_F = windows(12, 4, 3)
    # Frames 0, 3, 6 and 9 are asked; frame 9 lies in the last window, 8 to 11, and 1 is nearer to 0 than to 3.
    assert frame_WT[:, 0].tolist() == [0, 1, 4, 7]
    assert window_F.tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3]


def test_halfway_between_two_the_earlier_answers() -> None:
    _, window_F = windows(8, 2, 4)
    assert window_F.tolist() == [0, 0, 0, 1, 1, 1, 1, 1]


def test_a_short_clip_is_stretched() -> None:
    frame_WT, window_F = windows(3, 4, 1)
    assert frame_WT.tolist() == [[0, 0, 1, 2]]
    assert window_F.tolist() == [0, 0, 0]


def test_the_probabilities_are_those_of_the_whole_model(
    run: tuple[Path, RunConfig], prepared: Prepared, tmp_path: Path
) -> None:
    run_dir, config = run
    pack = as_one(prepared.pack, 3)
    found = frame_probabilities(load_frame_model(run_dir, config), pack, tmp_path)
    setup = build(config, load_fold(prepared, config))
    setup.model.load_state_dict(torch.load(run_dir / "checkpoint.pt", weights_only=True)["model"])
    setup.model.eval()
    count = int(pack.count_N[0])
    for frame in (0, 8, 20, count - 1):
        start = min(max(frame - 8, 0), count - 16)
        clip_BTHWC = torch.from_numpy(pack.frames_FHWC[pack.offset_N[0] + start :][:16].copy())[None]
        with torch.inference_mode():
            expected_E = setup.model(whole_frames(clip_BTHWC, config.recipe.input)).softmax(dim=1)[0]
        assert found.probability_FE[frame] == pytest.approx(expected_E.numpy(), abs=1e-5)


def test_one_row_a_frame_that_sums_to_one(run: tuple[Path, RunConfig], prepared: Prepared, tmp_path: Path) -> None:
    pack = short(prepared.pack, 4, 10)
    told: list[tuple[int, int]] = []
    found = frame_probabilities(load_frame_model(*run), pack, tmp_path, progress=lambda *step: told.append(step))
    assert found.clips == pack.names
    assert found.offset_N.tolist() == [0, 10, 20, 30, 40]
    assert found.number_F.tolist() == [*range(1, 11)] * 4
    assert found.probability_FE.dtype == np.float32
    assert found.probability_FE.sum(axis=1) == pytest.approx(1, abs=1e-5)
    assert told[-1] == (40, 40)


def test_numbers_have_the_gaps_of_frames_left_out(
    run: tuple[Path, RunConfig], prepared: Prepared, tmp_path: Path
) -> None:
    pack = dataclasses.replace(short(prepared.pack, 2, 3), numbers={1: np.array([1, 4, 5], dtype=np.int32)})
    found = frame_probabilities(load_frame_model(*run), pack, tmp_path)
    assert found.number_F.tolist() == [1, 2, 3, 1, 4, 5]


def test_an_interrupted_pass_goes_on_and_gives_the_same_bits(
    run: tuple[Path, RunConfig], prepared: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BLOCK_FRAMES", 32)
    pack = short(prepared.pack, 6, 16)
    whole = frame_probabilities(load_frame_model(*run), pack, tmp_path / "whole")

    def stop(done: int, of: int) -> None:
        if done >= 64:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        frame_probabilities(load_frame_model(*run), pack, tmp_path / "cut", progress=stop)
    blocks = sorted((tmp_path / "cut").rglob("*.parquet"))
    assert len(blocks) == 2
    written = [path.stat().st_mtime_ns for path in blocks]
    again = frame_probabilities(load_frame_model(*run), pack, tmp_path / "cut")
    assert [path.stat().st_mtime_ns for path in blocks] == written
    assert again.probability_FE.tobytes() == whole.probability_FE.tobytes()


def test_the_cache_names_clip_frame_and_expressions(
    run: tuple[Path, RunConfig], prepared: Prepared, tmp_path: Path
) -> None:
    pack = short(prepared.pack, 2, 3)
    frame_probabilities(load_frame_model(*run), pack, tmp_path)
    (path,) = tmp_path.rglob("*.parquet")
    table = pq.read_table(path)
    assert table.schema.names == ["clip", "frame", *EXPRESSIONS]
    assert table["clip"].to_pylist() == [pack.names[0]] * 3 + [pack.names[1]] * 3
    assert table["frame"].to_pylist() == [1, 2, 3, 1, 2, 3]


def test_a_damaged_block_is_named(run: tuple[Path, RunConfig], prepared: Prepared, tmp_path: Path) -> None:
    pack = short(prepared.pack, 2, 3)
    frame_probabilities(load_frame_model(*run), pack, tmp_path)
    (path,) = tmp_path.rglob("*.parquet")
    path.write_bytes(b"PAR1")
    with pytest.raises(RunError, match="cannot be read"):
        frame_probabilities(load_frame_model(*run), pack, tmp_path)


def test_another_stride_is_another_cache(run: tuple[Path, RunConfig], prepared: Prepared, tmp_path: Path) -> None:
    model = load_frame_model(*run)
    pack = as_one(prepared.pack, 2)
    every = frame_probabilities(model, pack, tmp_path)
    third = frame_probabilities(model, pack, tmp_path, stride=3)
    # Frame 9 is asked by both; 10 takes the answer of 9.
    assert third.probability_FE[9] == pytest.approx(every.probability_FE[9], abs=1e-5)
    assert np.array_equal(third.probability_FE[10], third.probability_FE[9])
    assert not np.array_equal(every.probability_FE[10], every.probability_FE[9])


def test_a_run_of_another_model_or_engine_is_refused(run: tuple[Path, RunConfig]) -> None:
    run_dir, config = run
    for key, value in (("model", "mae_dfer"), ("engine", "upstream")):
        with pytest.raises(RunError, match="takes M3DFEL"):
            load_frame_model(run_dir, config.model_copy(update={key: value}))


def test_a_run_without_its_checkpoint_or_of_fewer_epochs_is_refused(
    run: tuple[Path, RunConfig], tmp_path: Path
) -> None:
    run_dir, config = run
    with pytest.raises(RunError, match="no checkpoint"):
        load_frame_model(tmp_path, config)
    state = torch.load(run_dir / "checkpoint.pt", weights_only=True)
    torch.save({**state, "epochs": []}, tmp_path / "checkpoint.pt")
    with pytest.raises(RunError, match="of epoch 0 of 1"):
        load_frame_model(tmp_path, config)
    with pytest.raises(RunError, match="another configuration"):
        load_frame_model(run_dir, config.model_copy(update={"seed": 5}))


def test_a_pack_of_another_size_is_refused(run: tuple[Path, RunConfig], prepared: Prepared, tmp_path: Path) -> None:
    pack = dataclasses.replace(prepared.pack, frames_FHWC=prepared.pack.frames_FHWC[:, :32, :32])
    with pytest.raises(RunError, match="packed at 32 pixels, the run was trained on 40"):
        frame_probabilities(load_frame_model(*run), pack, tmp_path)
