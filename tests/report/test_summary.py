"""summary.json of synthetic run directories, and that a nightly comparison of two such reports catches what it must."""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import balanced_accuracy_score

import harness.report.summary as module
from harness.analysis.regress import Check, compare, passed
from harness.analysis.summary import Summary, read_summary, summary_text
from harness.errors import DataError, ManifestError
from harness.manifest import RunConfig, RunData, manifests_dir
from harness.models import build
from harness.report.write import write_report
from harness.runs.records import DONE, EPOCHS, PREDICTIONS, seal

PAPER = manifests_dir() / "paper"
FLOPS = {("m3dfel", "demo"): 1000, ("mae_dfer", "demo"): 2000}
SETTING = "demo/rendered/native/demo"
WriteRun = Callable[..., Path]
RunDirs = dict[tuple[str, str], Path]

# (label, predicted): happy 2 of 4, sad 1 of 1. WAR 3/5, UAR (1/2 + 1) / 2.
HALF_HAPPY = [(0, 0), (0, 0), (0, 1), (0, 1), (1, 1)]


@pytest.fixture
def run_dirs(write_run: WriteRun, run_config: Callable[..., RunConfig]) -> RunDirs:
    """Two models with baseline and au-minor, one fold, one seed."""
    pairs = [(model, arm) for model in ("m3dfel", "mae_dfer") for arm in ("baseline", "au-minor")]
    return {(model, arm): write_run(run_config(model=model, arm=arm)) for model, arm in pairs}


def summary(tmp_path: Path, name: str = "out", **options: Any) -> Summary:
    write_report(tmp_path / "runs", tmp_path / name, PAPER, **{"flops": FLOPS, **options})
    return read_summary(tmp_path / name)[0]


def failed(checks: list[Check]) -> list[str]:
    return [check.name for check in checks if check.failed]


def again(run_dir: Path) -> None:
    """Seal a run directory that a test has altered."""
    (run_dir / DONE).unlink()
    seal(run_dir)


def test_scores_clips_and_what_one_clip_weighs(
    tmp_path: Path, write_run: WriteRun, run_config: Callable[..., RunConfig], run_data: Callable[..., RunData]
) -> None:
    for seed in (0, 1):
        write_run(run_config(dataset=run_data(test=5), seed=seed), HALF_HAPPY)
    score = summary(tmp_path).settings[SETTING].scores["m3dfel/baseline/last/fold1"]
    label_B, predicted_B = zip(*HALF_HAPPY, strict=True)
    assert score.war == pytest.approx(3 / 5)
    assert score.uar == pytest.approx(balanced_accuracy_score(label_B, predicted_B))
    assert score.accuracy == (0.5, 1.0, None, None, None, None, None)
    assert (score.clips, score.folds, score.seeds) == (10, (1,), (0, 1))
    # One of five clips in one of two seeds; the one clip of sad is half of UAR there.
    assert (score.one_clip_war, score.one_clip_uar) == pytest.approx((1 / 10, 1 / 4))


def test_one_clip_of_pooled_folds_weighs_one_in_all_clips(
    tmp_path: Path, write_run: WriteRun, run_config: Callable[..., RunConfig], run_data: Callable[..., RunData]
) -> None:
    for fold in (1, 2):
        write_run(run_config(dataset=run_data(test=5), fold=fold, folds=2), HALF_HAPPY)
    scores = summary(tmp_path).settings[SETTING].scores
    pooled, mean = scores["m3dfel/baseline/last/pooled"], scores["m3dfel/baseline/last/mean-of-folds"]
    # Pooled: ten clips, two of sad in two classes. Mean of two folds: as of two seeds.
    assert (pooled.one_clip_war, pooled.one_clip_uar) == pytest.approx((1 / 10, 1 / 4))
    assert (mean.one_clip_war, mean.one_clip_uar) == pytest.approx((1 / 10, 1 / 4))
    assert pooled.clips == mean.clips == 10


def test_parameters_are_counted_from_the_code(tmp_path: Path, run_dirs: RunDirs) -> None:
    models = summary(tmp_path).models
    assert models["m3dfel demo"].multiply_adds == 1000
    assert models["m3dfel demo"].parameters == sum(p.numel() for p in build("m3dfel", "demo").parameters())


def test_patches_are_hashed_from_their_files(tmp_path: Path, run_dirs: RunDirs) -> None:
    ids = summary(tmp_path).upstreams["mae_dfer"]
    file = module.patches_dir() / "mae_dfer" / "0001-au-head.patch"
    assert ids.patches["0001-au-head.patch"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert len(ids.commit) == len(ids.patched_tree) == 40


def test_clips_per_second_is_the_median_of_the_epochs(tmp_path: Path, run_dirs: RunDirs) -> None:
    run_dir = run_dirs["m3dfel", "baseline"]
    (run_dir / EPOCHS).write_text("".join(f'{{"clips_per_second": {rate}}}\n' for rate in (1.0, 70.0, 60.0)))
    again(run_dir)
    runs = summary(tmp_path).settings[SETTING].runs
    assert runs["m3dfel/baseline/fold1-seed0"].clips_per_second == 60.0
    assert runs["m3dfel/au-minor/fold1-seed0"].clips_per_second is None


def test_the_same_runs_give_the_same_bytes(tmp_path: Path, run_dirs: RunDirs) -> None:
    summary(tmp_path, "one")
    summary(tmp_path, "two")
    assert (tmp_path / "one" / "summary.json").read_bytes() == (tmp_path / "two" / "summary.json").read_bytes()


def test_a_report_is_unchanged_beside_itself(tmp_path: Path, run_dirs: RunDirs) -> None:
    assert passed(compare(summary(tmp_path, "one"), summary(tmp_path, "two")))


def test_one_flipped_patch_byte_is_caught(tmp_path: Path, run_dirs: RunDirs, monkeypatch: pytest.MonkeyPatch) -> None:
    before, copy = summary(tmp_path), tmp_path / "patches"
    shutil.copytree(module.patches_dir(), copy)
    file = copy / "former_dfer" / "0002-au-loss.patch"
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    monkeypatch.setattr(module, "patches_dir", lambda: copy)
    assert failed(compare(before, summary(tmp_path))) == ["former_dfer: patch 0002-au-loss.patch"]


def test_flops_plus_one_are_caught(tmp_path: Path, run_dirs: RunDirs) -> None:
    more = summary(tmp_path, flops={**FLOPS, ("m3dfel", "demo"): 1001})
    assert failed(compare(summary(tmp_path), more)) == ["m3dfel demo: multiply-adds"]


def test_a_missing_model_is_caught(tmp_path: Path, run_dirs: RunDirs) -> None:
    before = summary(tmp_path)
    for arm in ("baseline", "au-minor"):
        shutil.rmtree(run_dirs["mae_dfer", arm])
    names = failed(compare(before, summary(tmp_path)))
    assert f"{SETTING}: mae_dfer/baseline/last/fold1" in names
    assert "mae_dfer demo: parameters" in names


def test_a_missing_run_is_caught(tmp_path: Path, run_dirs: RunDirs) -> None:
    before = summary(tmp_path)
    shutil.rmtree(run_dirs["mae_dfer", "au-minor"])
    after = summary(tmp_path)
    # By itself too: three of the four combinations of model and arm are there.
    assert after.settings[SETTING].expected == before.settings[SETTING].expected
    assert f"{SETTING}: mae_dfer/au-minor/fold1-seed0" in failed(compare(before, after))


def test_a_run_without_done_is_caught(tmp_path: Path, run_dirs: RunDirs) -> None:
    before, run_dir = summary(tmp_path), run_dirs["mae_dfer", "au-minor"]
    (run_dir / DONE).unlink()
    assert f"demo/rendered/mae_dfer/au-minor/{run_dir.name}" in failed(compare(before, summary(tmp_path)))


def test_an_unfinished_run_of_a_new_seed_is_caught_with_its_whole_matrix(
    tmp_path: Path, run_dirs: RunDirs, write_run: WriteRun, run_config: Callable[..., RunConfig]
) -> None:
    before = summary(tmp_path)
    write_run(run_config(seed=1), sealed=False)
    after = summary(tmp_path)
    assert len(after.settings[SETTING].expected) == 8
    assert f"{SETTING}: m3dfel/baseline/fold1-seed1" in failed(compare(before, after))


def test_an_unfinished_run_that_wrote_nothing_is_caught(tmp_path: Path, run_dirs: RunDirs) -> None:
    before = summary(tmp_path)
    (tmp_path / "runs" / "demo" / "rendered" / "m3dfel" / "baseline" / "fold1-seed7-0123456789ab").mkdir()
    assert failed(compare(before, summary(tmp_path))) == ["demo/rendered/m3dfel/baseline/fold1-seed7-0123456789ab"]


def test_a_nan_loss_is_caught(tmp_path: Path, run_dirs: RunDirs) -> None:
    before, run_dir = summary(tmp_path), run_dirs["m3dfel", "baseline"]
    (run_dir / EPOCHS).write_text('{"epoch": 1, "loss": 1.5}\n{"epoch": 2, "loss": NaN}\n')
    again(run_dir)
    after = summary(tmp_path)
    assert after.settings[SETTING].runs["m3dfel/baseline/fold1-seed0"].not_finite == ("epoch 2: loss",)
    assert failed(compare(before, after)) == [f"{SETTING}: m3dfel/baseline/fold1-seed0"]


def test_a_changed_clip_order_is_no_regression(tmp_path: Path, run_dirs: RunDirs) -> None:
    before, run_dir = summary(tmp_path), run_dirs["m3dfel", "baseline"]
    rows = pq.read_table(run_dir / PREDICTIONS)
    order_N = np.random.default_rng(0).permutation(rows.num_rows)
    pq.write_table(rows.take(order_N), run_dir / PREDICTIONS)
    again(run_dir)
    assert compare(before, summary(tmp_path)) == compare(before, before)


def test_other_predictions_have_another_hash(tmp_path: Path, run_dirs: RunDirs) -> None:
    before, run_dir = summary(tmp_path), run_dirs["m3dfel", "baseline"]
    rows = pq.read_table(run_dir / PREDICTIONS).to_pandas()
    rows.loc[0, "happy"] += np.float32(1e-6)
    rows.to_parquet(run_dir / PREDICTIONS, index=False)
    again(run_dir)
    name = "m3dfel/baseline/fold1-seed0"
    was, now = before.settings[SETTING].runs[name], summary(tmp_path).settings[SETTING].runs[name]
    assert was.predictions["last"] != now.predictions["last"]


def test_lower_war_is_caught(tmp_path: Path, write_run: WriteRun, run_config: Any, run_data: Any) -> None:
    config = run_config(dataset=run_data(test=5), selection=("last",))
    run_dir = write_run(config, HALF_HAPPY)
    before = summary(tmp_path)
    shutil.rmtree(run_dir)
    write_run(config, [(0, 1), *HALF_HAPPY[1:]])
    names = failed(compare(before, summary(tmp_path)))
    assert names == [f"{SETTING}: m3dfel/baseline/last/fold1: {score}" for score in ("WAR", "UAR")]


def test_a_summary_reads_back_as_it_was_written(tmp_path: Path, run_dirs: RunDirs) -> None:
    found = summary(tmp_path)
    text = summary_text(found)
    assert text == (tmp_path / "out" / "summary.json").read_text()
    assert Summary.model_validate(json.loads(text)) == found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("{", "not JSON"),
        ("{}", "settings: Field required"),
        ("[]", "mend the named key"),
        ('{"version": 2}', "version"),
    ],
)
def test_what_is_no_summary_is_refused(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises((DataError, ManifestError), match=fault):
        read_summary(tmp_path)


def test_an_old_report_without_a_summary_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no summary"):
        read_summary(tmp_path)
