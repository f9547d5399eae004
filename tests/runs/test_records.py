"""A record is read back only as it was sealed."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from harness.au.units import EXPRESSIONS
from harness.engine.features import write_features
from harness.errors import HarnessError, RunError
from harness.manifest import RunConfig, RunData
from harness.recipe import Augmentation, Input, Optimizer, Recipe, Sampling, Schedule
from harness.runs.records import read_run, read_runs, seal

RECIPE = Recipe(
    batch=8,
    epochs=2,
    pack_size=32,
    input=Input(frames=4, size=32),
    sampling=Sampling(rule="m3dfel"),
    augmentation=Augmentation(),
    optimizer=Optimizer(name="sgd", lr=0.1),
    schedule=Schedule(name="constant"),
)
LABELS = {name: i for i, name in enumerate(EXPRESSIONS)}


def config(seed: int = 0) -> RunConfig:
    return RunConfig(
        experiment="demo",
        dataset=RunData(
            name="rendered",
            title="rendered faces",
            published=False,
            labels=LABELS,
            clips={"train": 9, "val": 0, "test": 3},
            fingerprint="f" * 64,
        ),
        model="m3dfel",
        scale="demo",
        arm="baseline",
        fold=1,
        folds=5,
        seed=seed,
        selection=("last", "best-on-test"),
        au=None,
        recipe=RECIPE,
    )


def table() -> dict[str, list]:
    """Three clips under two rules; clip b comes first, so that order of name is not order of row."""
    columns: dict[str, list] = {
        "rule": ["last"] * 3 + ["best-on-test"] * 3,
        "epoch": [2] * 3 + [1] * 3,
        "clip": ["b", "a", "c"] * 2,
        "label": [1, 0, 6] * 2,
    }
    for e, name in enumerate(EXPRESSIONS):
        columns[name] = [float(10 * row + e) for row in range(6)]
    return columns


def write(root: Path, columns: dict[str, list] | None = None, seed: int = 0) -> Path:
    run = config(seed)
    folder = root / run.directory()
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(run.canonical_json())
    environment = {"harness": {"version": "0.1.0"}, "torch": "2.11.0", "device_name": "CPU", "precision": "fp32"}
    (folder / "environment.json").write_text(json.dumps(environment))
    (folder / "epochs.jsonl").write_text('{"epoch": 1, "loss": 1.5}\n{"epoch": 2, "loss": 1.0}\n')
    pq.write_table(pa.table(columns or table()), folder / "predictions.parquet")
    return folder


def sealed(root: Path, columns: dict[str, list] | None = None, seed: int = 0) -> Path:
    folder = write(root, columns, seed)
    seal(folder)
    return folder


def changed(name: str, row: int, value: object) -> dict[str, list]:
    columns = table()
    columns[name][row] = value
    return columns


def test_done_lists_the_sha256_of_the_four_files(tmp_path: Path) -> None:
    folder = sealed(tmp_path)
    files = json.loads((folder / "DONE").read_text())["files"]
    names = {"config.json", "environment.json", "epochs.jsonl", "predictions.parquet"}
    assert files == {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    assert {path.name for path in folder.iterdir()} == names | {"DONE"}


def test_what_was_sealed_is_read_back(tmp_path: Path) -> None:
    run = read_run(sealed(tmp_path))
    assert run.config == config()
    assert run.environment["torch"] == "2.11.0"
    assert [epoch["loss"] for epoch in run.epochs] == [1.5, 1.0]
    assert list(run.predictions) == ["last", "best-on-test"]
    assert [said.epoch for said in run.predictions.values()] == [2, 1]


def test_predictions_are_in_order_of_clip_name(tmp_path: Path) -> None:
    said = read_run(sealed(tmp_path)).predictions["last"]
    assert said.clips == ("a", "b", "c")
    assert said.label_B.tolist() == [0, 1, 6]
    np.testing.assert_array_equal(said.logits_BE[:, 0], np.float32([10, 0, 20]))
    np.testing.assert_array_equal(said.logits_BE[1], np.arange(7, dtype=np.float32))


def test_a_checkpoint_beside_the_record_is_no_part_of_it(tmp_path: Path) -> None:
    folder = sealed(tmp_path)
    (folder / "checkpoint.pt").write_bytes(b"state")
    assert read_run(folder).config.seed == 0


def test_a_run_without_done_is_unfinished(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"unfinished, it has no DONE; give the same command again"):
        read_run(write(tmp_path))


def test_a_run_that_lacks_a_file_is_not_sealed(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "epochs.jsonl").unlink()
    with pytest.raises(RunError, match=r"cannot be sealed without epochs\.jsonl"):
        seal(folder)
    assert not (folder / "DONE").exists()


@pytest.mark.parametrize("name", ["config.json", "environment.json", "epochs.jsonl", "predictions.parquet"])
def test_an_altered_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = sealed(tmp_path)
    with (folder / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(RunError, match=rf"{name}: altered"):
        read_run(folder)


@pytest.mark.parametrize("name", ["config.json", "environment.json", "epochs.jsonl", "predictions.parquet"])
def test_a_missing_file_is_refused(tmp_path: Path, name: str) -> None:
    folder = sealed(tmp_path)
    (folder / name).unlink()
    with pytest.raises(RunError, match=rf"{name}: missing"):
        read_run(folder)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": {"config.json": "0"}}'])
def test_a_damaged_done_is_refused(tmp_path: Path, text: str) -> None:
    folder = sealed(tmp_path)
    (folder / "DONE").write_text(text)
    with pytest.raises(RunError, match=r"DONE: "):
        read_run(folder)


def test_a_configuration_under_another_runs_name_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "config.json").write_text(config(seed=1).canonical_json())
    seal(folder)
    with pytest.raises(RunError, match=config(seed=1).digest()[:12]):
        read_run(folder)


def test_a_renamed_fold_is_refused(tmp_path: Path) -> None:
    folder = sealed(tmp_path)
    renamed = folder.rename(folder.with_name(folder.name.replace("fold1", "fold2")))
    with pytest.raises(RunError, match=r"config\.json is of fold 1, seed 0"):
        read_run(renamed)


@pytest.mark.parametrize(
    "columns, message",
    [
        (changed("label", 5, 7), r"rule best-on-test: clip c has label 7, known are 0 to 6"),
        (changed("label", 1, -1), r"rule last: clip a has label -1"),
        (changed("clip", 2, "a"), r"rule last: clip a is there twice"),
        (changed("fear", 0, float("nan")), r"rule last: clip b has a logit that is not finite"),
        (changed("happy", 4, float("inf")), r"rule best-on-test: clip a has a logit that is not finite"),
        (changed("rule", 0, "best"), r"rules \['best', 'best-on-test', 'last'\] where config\.json has"),
        (changed("epoch", 0, 1), r"rule last: epochs \[1, 2\]"),
        (changed("clip", 0, "d"), r"rules last and best-on-test are of different clips"),
        (changed("label", 0, 2), r"rules last and best-on-test are of different clips or labels"),
        (
            {name: values[:2] + values[3:5] for name, values in table().items()},
            r"2 clips a rule where .* has 3 test clips",
        ),
        ({name: values for name, values in table().items() if name != "sad"}, r"columns other than"),
        ({name: [] for name in table()}, r"empty"),
        (changed("clip", 0, None), r"empty cells"),
        (changed("label", 0, 300), r"a column of another type"),
    ],
)
def test_predictions_that_cannot_be_right_are_refused(tmp_path: Path, columns: dict[str, list], message: str) -> None:
    run = read_run(sealed(tmp_path, columns))
    with pytest.raises(RunError, match=message) as caught:
        _ = run.predictions
    assert "\n" not in str(caught.value)


def test_sealed_garbage_is_one_line(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "predictions.parquet").write_bytes(b"not a parquet file at all")
    seal(folder)
    with pytest.raises(RunError, match=r"predictions\.parquet: not a parquet file") as caught:
        _ = read_run(folder).predictions
    assert "\n" not in str(caught.value)


def test_an_environment_without_its_keys_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "environment.json").write_text('{"harness": {}, "torch": "2.11.0"}')
    seal(folder)
    with pytest.raises(RunError, match=r"device_name, precision missing"):
        read_run(folder)


def test_finished_and_unfinished_runs_are_told_apart(tmp_path: Path) -> None:
    finished, unfinished = sealed(tmp_path, seed=0), write(tmp_path, seed=1)
    runs, rest = read_runs(tmp_path)
    assert [run.path for run in runs] == [finished]
    assert rest == [unfinished]


def test_a_run_that_was_killed_before_its_configuration_is_unfinished(tmp_path: Path) -> None:
    empty = tmp_path / "demo" / "fold1-seed0-0123456789ab"
    empty.mkdir(parents=True)
    assert read_runs(tmp_path) == ([], [empty])


def test_an_altered_run_among_others_is_not_dropped(tmp_path: Path) -> None:
    sealed(tmp_path, seed=0)
    (sealed(tmp_path, seed=1) / "epochs.jsonl").write_text("")
    with pytest.raises(RunError, match=r"epochs\.jsonl: altered"):
        read_runs(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"no-runs: no such folder of runs"):
        read_runs(tmp_path / "no-runs")


def with_features(root: Path, clips: list[str], feature_ND: np.ndarray, *, write_them: bool = True) -> Path:
    run = config().model_copy(update={"features": True})
    folder = write(root).rename(root / "moved")
    (folder / "config.json").write_text(run.canonical_json())
    if write_them:
        label_N = np.array([{"a": 0, "b": 1}.get(clip, 6) for clip in clips])
        write_features(folder / "features.safetensors", clips, label_N, torch.from_numpy(feature_ND))
    seal(folder)
    return folder.rename(root / run.directory().name)


FEATURE_ND = np.arange(6, dtype=np.float32).reshape(3, 2)


def test_features_are_sealed_and_read_in_order_of_clip_name(tmp_path: Path) -> None:
    folder = with_features(tmp_path, ["b", "c", "a"], FEATURE_ND)
    found = read_run(folder).features
    assert found is not None
    assert (found.clips, found.label_B.tolist()) == (("a", "b", "c"), [0, 1, 6])
    assert found.feature_BD.tolist() == [[4, 5], [0, 1], [2, 3]]
    with (folder / "features.safetensors").open("ab") as file:
        file.write(b" ")
    with pytest.raises(RunError, match=r"features\.safetensors: altered"):
        read_run(folder)


def test_a_run_that_kept_no_features_has_none(tmp_path: Path) -> None:
    assert read_run(sealed(tmp_path)).features is None


def test_a_run_that_lacks_the_features_it_was_asked_for_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"DONE: does not list features\.safetensors"):
        read_run(with_features(tmp_path, [], FEATURE_ND, write_them=False))


@pytest.mark.parametrize(
    "clips, feature_ND, message",
    [
        (["b", "c", "d"], FEATURE_ND, r"other clips or labels than in predictions\.parquet"),
        (["b", "c"], FEATURE_ND, r"not one finite feature and label a clip"),
        (["b", "c", "a"], FEATURE_ND * np.float32("nan"), r"not one finite feature and label a clip"),
    ],
)
def test_features_that_cannot_be_right_are_refused(
    tmp_path: Path, clips: list[str], feature_ND: np.ndarray, message: str
) -> None:
    with pytest.raises(RunError, match=message):
        _ = read_run(with_features(tmp_path, clips, feature_ND)).features
