"""Knowledge extracted from rendered clips with an M3DFEL that was trained here; medians checked with pandas."""

import csv
import dataclasses
import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.au.knowledge import load_knowledge
from harness.au.units import ACTION_UNITS, EXPRESSIONS
from harness.data.pack import Pack
from harness.data.prepare import Prepared
from harness.engine.fold import load_fold
from harness.engine.frame_probabilities import FrameModel, FrameProbabilities
from harness.engine.train import train_run
from harness.errors import DataError, ManifestError, RunError
from harness.manifest import RunConfig, change, load_dataset, load_experiment
from harness.runs import knowledge as module
from harness.runs.knowledge import Options, Source, extract_knowledge
from harness.runs.records import seal
from harness.runs.sweep import Machine, packed_data, plan

WITH_INTENSITY = [unit for unit in ACTION_UNITS if unit != "AU28"]


def plan_run(prepared: Prepared, arm: str, knowledge: str = "fig4") -> RunConfig:
    experiment = change(load_experiment("demo"), {"models": ["m3dfel"], "arms": [arm], "epochs": 1})
    recipe = {"pack_size": prepared.pack.frames_FHWC.shape[1], "batch": 8, "epochs": 1}
    au = experiment.au.model_copy(update={"knowledge": knowledge})
    experiment = experiment.model_copy(update={"overrides": {"m3dfel": recipe}, "au": au})
    (config,) = plan(
        experiment, lambda _, fold: packed_data(experiment, load_dataset("rendered"), prepared, fold), Machine()
    )
    return config


@pytest.fixture(scope="module")
def run_dir(prepared: Prepared, tmp_path_factory: pytest.TempPathFactory) -> Path:
    config = plan_run(prepared, "baseline")
    folder = tmp_path_factory.mktemp("runs") / config.directory()
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(config.canonical_json())
    train_run(config, load_fold(prepared, config), folder)
    seal(folder)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def au_rows(rendered_root: Path) -> pd.DataFrame:
    """Every AU row of fold 1's training clips, with clip and class, read by pandas alone."""
    split = rendered_root / "EmoLabel_DataSplit" / "train(single-labeled)" / "set_1.csv"
    with split.open() as file:
        clips = [(row["video_name"].zfill(5), int(row["label"]) - 1) for row in csv.DictReader(file)]
    files = [(name, label, rendered_root / "OpenFace" / f"{name}.csv") for name, label in clips]
    return pd.concat(
        pd.read_csv(path, skipinitialspace=True).assign(clip=name, label=label)
        for name, label, path in files
        if path.is_file()
    )


def first_rows(source: Path, target: Path, count: int, names: Sequence[str] | None = None) -> Path:
    """AU files with the first rows only."""
    target.mkdir(exist_ok=True)
    for path in [source / f"{name}.csv" for name in names] if names else sorted(source.glob("*.csv")):
        (target / path.name).write_text("\n".join(path.read_text().splitlines()[: count + 1]) + "\n")
    return target


def as_read(intensity_FR: np.ndarray, *_: object, **__: object) -> np.ndarray:
    return intensity_FR


def give(value_of_number: dict[bool, float]):
    """Stands in for the model: a probability of every class that depends on whether the frame number is odd."""

    def stand_in(model: FrameModel, pack: Pack, cache: Path, **_: object) -> FrameProbabilities:
        number_F = np.concatenate([pack.frame_numbers(i) for i in range(len(pack.names))])
        probability_F = np.where(number_F % 2 == 1, value_of_number[True], value_of_number[False])
        probability_FE = np.repeat(probability_F[:, None], 7, axis=1).astype(np.float32)
        return FrameProbabilities(pack.names, np.append(0, np.cumsum(pack.count_N)), number_F, probability_FE)

    return stand_in


def medians(rows: pd.DataFrame) -> np.ndarray:
    """Median of each intensity of each class, (7, 17)."""
    columns = [f"{unit}_r" for unit in WITH_INTENSITY]
    return rows[rows["success"] == 1].groupby("label")[columns].median().reindex(range(7)).to_numpy()


def test_from_a_run_to_a_matrix_that_a_run_can_be_trained_with(
    run_dir: Path, rendered_root: Path, prepared: Prepared, cache: Path, tmp_path: Path
) -> None:
    stages: dict[str, tuple[int, int]] = {}
    found = extract_knowledge(
        [Source("rendered", rendered_root)],
        run_dir,
        tmp_path / "knowledge",
        cache=cache,
        options=Options(theta=0.0),
        stage=lambda name: lambda done, of: stages.__setitem__(name, (done, of)),
    )
    matrix_EA = load_knowledge(found.choice, tmp_path)
    assert np.array_equal(matrix_EA, found.knowledge.knowledge_EA)
    assert all(done == of for done, of in stages.values())
    config = plan_run(prepared, "au-distinct", found.choice)
    train_run(config, load_fold(prepared, config), tmp_path)
    assert (tmp_path / "predictions.parquet").is_file()


def test_the_medians_are_those_of_pandas(
    run_dir: Path,
    rendered_root: Path,
    cache: Path,
    tmp_path: Path,
    au_rows: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "interpolate_zeros", as_read)
    monkeypatch.setattr(module, "frame_probabilities", give({True: 0.9, False: 0.1}))
    found = extract_knowledge([Source("rendered", rendered_root)], run_dir, tmp_path, cache=cache)
    # Sixteen frames of a clip are packed: row k of a file of n rows falls to number floor((k - 1/2) 16 / n) + 1.
    last = au_rows.groupby("clip")["frame"].transform("max")
    assert (last > 16).all()
    au_rows = au_rows[np.floor((au_rows["frame"] - 0.5) * 16 / last).astype(int) % 2 == 0]
    (one,) = found.knowledge.sets
    expected_ER = medians(au_rows)
    assert np.delete(one.median_EA, ACTION_UNITS.index("AU28"), axis=1) == pytest.approx(expected_ER, abs=1e-6)
    tracked = au_rows[au_rows["success"] == 1]
    assert one.selected_E.tolist() == tracked["label"].value_counts().reindex(range(7), fill_value=0).tolist()


def test_a_row_of_the_frames_own_number_is_taken_where_there_is_one_each(
    run_dir: Path,
    rendered_root: Path,
    cache: Path,
    tmp_path: Path,
    au_rows: pd.DataFrame,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "interpolate_zeros", as_read)
    monkeypatch.setattr(module, "frame_probabilities", give({True: 0.9, False: 0.1}))
    au = first_rows(rendered_root / "OpenFace", tmp_path / "au", 16)
    found = extract_knowledge([Source("rendered", rendered_root, au)], run_dir, tmp_path, cache=cache)
    rows = au_rows[au_rows["frame"] <= 16]
    (one,) = found.knowledge.sets
    assert found.sources[0].without_row == 0
    assert one.frames_E.tolist() == rows["label"].value_counts().reindex(range(7), fill_value=0).tolist()
    expected_ER = medians(rows[rows["frame"] % 2 == 1])
    assert np.delete(one.median_EA, ACTION_UNITS.index("AU28"), axis=1) == pytest.approx(expected_ER, abs=1e-6)


def test_zeros_are_interpolated_where_the_face_was_tracked(
    run_dir: Path, rendered_root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[np.ndarray, ...]] = []

    def spy(intensity_FR: np.ndarray, *others: np.ndarray, **_: object) -> np.ndarray:
        seen.append((intensity_FR, *others))
        return np.full_like(intensity_FR, 2.0)

    monkeypatch.setattr(module, "interpolate_zeros", spy)
    options = Options(theta=0.0)
    found = extract_knowledge([Source("rendered", rendered_root)], run_dir, tmp_path, cache=cache, options=options)
    ((intensity_FR, offset_V, usable_F, frame_F),) = seen
    assert offset_V[-1] == len(intensity_FR) == len(usable_F) == len(frame_F)
    assert 0 < usable_F.sum() < len(usable_F)
    assert (found.knowledge.sets[0].median_EA == 2).all()


def test_all_clips_are_more_than_the_training_clips(
    run_dir: Path, rendered_root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "frame_probabilities", give({True: 0.9, False: 0.9}))
    source = [Source("rendered", rendered_root)]
    train = extract_knowledge(source, run_dir, tmp_path, cache=cache)
    every = extract_knowledge(source, run_dir, tmp_path, cache=cache, options=Options(part="all"))
    assert train.sources[0].clips == 64
    assert every.sources[0].clips == 80
    assert every.sources[0].frames == 80 * 16
    assert every.knowledge.sets[0].frames_E.sum() > train.knowledge.sets[0].frames_E.sum()


def test_what_is_written(
    run_dir: Path, rendered_root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "frame_probabilities", give({True: 0.9, False: 0.1}))
    options = Options(theta=0.5, offset="mid-range")
    found = extract_knowledge([Source("rendered", rendered_root)], run_dir, tmp_path, cache=cache, options=options)
    names = ["knowledge.csv", "knowledge_rendered.csv", "median_rendered.csv", "summary.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["options"]["theta"] == 0.5
    assert summary["run"]["digest"] == run_dir.name[-12:]
    assert summary["sources"][0]["published"] is False
    assert list(summary["frames"]["rendered"]) == sorted(EXPRESSIONS)
    assert summary["frames"]["rendered"]["fear"]["selected"] == found.knowledge.sets[0].selected_E[6]
    per_set_EA = load_knowledge(f"computed:{tmp_path / 'knowledge_rendered.csv'}", tmp_path)
    assert np.array_equal(per_set_EA, found.knowledge.sum_EA)
    text = "\n".join(found.lines())
    assert "not the published data" in text
    assert "goes to the nearest of them" in text
    assert "S of 1 data set lies in (0, 1)" in text


def test_the_text_offset_with_one_data_set_is_told(
    run_dir: Path, rendered_root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "frame_probabilities", give({True: 0.9, False: 0.1}))
    found = extract_knowledge([Source("rendered", rendered_root)], run_dir, tmp_path, cache=cache)
    assert any("for a sum of four data sets" in line for line in found.lines())
    # S of one set is below 1, so the weights are below sigmoid(1 - 2.5).
    assert found.knowledge.knowledge_EA.max() < 1 / (1 + np.exp(1.5))


def test_frames_without_an_au_row_are_counted(
    run_dir: Path, rendered_root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "frame_probabilities", give({True: 0.9, False: 0.9}))
    au = first_rows(rendered_root / "OpenFace", tmp_path / "au", 16)
    train = (rendered_root / "EmoLabel_DataSplit" / "train(single-labeled)" / "set_1.csv").read_text().splitlines()
    first, second = (line.split(",")[0].zfill(5) for line in train[1:3])
    first_rows(au, au, 13, [first])
    (au / f"{second}.csv").unlink()
    found = extract_knowledge([Source("rendered", rendered_root, au)], run_dir, tmp_path / "k", cache=cache)
    assert found.sources[0].without_row == 3 + 16
    assert found.sources[0].missing_videos == 1


def test_a_threshold_that_no_frame_passes_names_the_class(
    run_dir: Path, rendered_root: Path, cache: Path, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=r"rendered: no frame of \w+ .* theta 0\.999"):
        extract_knowledge(
            [Source("rendered", rendered_root)], run_dir, tmp_path, cache=cache, options=Options(theta=0.999)
        )
    assert not (tmp_path / "summary.json").exists()


def test_a_data_set_twice_or_none_is_refused(run_dir: Path, rendered_root: Path, cache: Path, tmp_path: Path) -> None:
    source = Source("rendered", rendered_root)
    for sources in ([source, source], []):
        with pytest.raises(ManifestError, match="each once"):
            extract_knowledge(sources, run_dir, tmp_path, cache=cache)


def test_an_unfinished_run_is_refused(run_dir: Path, rendered_root: Path, cache: Path, tmp_path: Path) -> None:
    copy = tmp_path / run_dir.name
    copy.mkdir()
    (copy / "config.json").write_bytes((run_dir / "config.json").read_bytes())
    with pytest.raises(RunError, match="unfinished"):
        extract_knowledge([Source("rendered", rendered_root)], copy, tmp_path / "k", cache=cache)


def test_options_are_plain_values() -> None:
    json.dumps(dataclasses.asdict(Options()))


def test_an_au_file_that_ends_before_the_clip_is_refused(
    run_dir: Path, rendered_root: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "faces"
    shutil.copytree(rendered_root, root)
    (clip, *_) = sorted((root / "Clip" / "clip_224x224_16f").iterdir())
    (clip / "16.jpg").unlink()  # now the clips have their own numbers of frames
    au = first_rows(root / "OpenFace", tmp_path / "au", 16)
    train = (root / "EmoLabel_DataSplit" / "train(single-labeled)" / "set_1.csv").read_text().splitlines()
    name = next(line.split(",")[0].zfill(5) for line in train[1:] if line.split(",")[0].zfill(5) != clip.name)
    first_rows(au, au, 15, [name])
    monkeypatch.setattr(module, "frame_probabilities", give({True: 0.9, False: 0.9}))
    with pytest.raises(DataError, match=f"AU rows of {name} end at frame 15, the clip has 16 pictures"):
        extract_knowledge([Source("rendered", root, au)], run_dir, tmp_path / "k", cache=tmp_path)
