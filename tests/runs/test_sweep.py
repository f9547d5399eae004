"""From an experiment to its runs."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.data.prepare import Prepared
from harness.errors import ManifestError
from harness.manifest import Experiment, RunConfig, change, load_dataset, load_experiment, manifests_dir
from harness.runs import sweep
from harness.runs.experiment import default_jobs
from harness.runs.forecast import counted_data
from harness.runs.sweep import Machine, au_facts, packed_data, plan
from harness.runs.swept import swept


@pytest.fixture
def planned(prepared: Prepared) -> list[RunConfig]:
    experiment = change(load_experiment("demo"), {"folds": [1, 2], "seeds": [0, 1]})
    manifest = load_dataset("rendered")
    return plan(experiment, lambda recipe, fold: packed_data(experiment, manifest, prepared, fold), Machine())


def test_every_combination_is_one_run_with_a_directory_of_its_own(planned: list[RunConfig]) -> None:
    assert len(planned) == 3 * 4 * 2 * 2
    assert len({config.directory() for config in planned}) == len(planned)


def test_the_arms_of_a_model_stand_together(planned: list[RunConfig]) -> None:
    assert [config.arm for config in planned[:4]] == ["baseline", "au-global", "au-distinct", "au-minor"]
    assert len({(config.model, config.fold, config.seed) for config in planned[:4]}) == 1


def test_a_pair_differs_in_the_arm_alone(planned: list[RunConfig]) -> None:
    baseline, au = (config.model_dump() for config in planned[:2])
    assert {key for key in baseline if baseline[key] != au[key]} == {"arm", "au"}
    assert baseline["au"] is None
    assert au["au"] == {
        "knowledge": "fig4", "pos_weight": "fold", "label_frames": "all", "reduction": "mean", "ratio": 0.25,
        "min_confidence": 0.0, "strategy": "global", "labels": "", "lacking": (), "knowledge_sha256": "",
    }  # fmt: skip


def test_clip_counts_of_a_run_add_up_to_the_data_set(planned: list[RunConfig], prepared: Prepared) -> None:
    assert sum(planned[0].dataset.clips.values()) == len(prepared.pack.names)


def test_a_run_on_a_gpu_is_one_at_a_time() -> None:
    demo: Experiment = load_experiment("demo")
    assert default_jobs(demo, "cuda:0") == 1
    assert default_jobs(demo, "cpu") >= 1
    assert default_jobs(load_experiment("reproduce-dfew"), "cpu") == 1


@pytest.mark.parametrize(
    ("experiment", "asked", "engine", "precision"),
    [
        ("reproduce-dfew", {}, "native", "bf16"),
        ("reproduce-dfew", {"settings": ["precision=fp32"]}, "native", "fp32"),
        ("reproduce-dfew", {}, "upstream", "fp32"),
        ("demo", {}, "native", "fp32"),
    ],
)
def test_full_scale_takes_the_best_precision_of_the_device(
    experiment: str, asked: dict[str, Any], engine: Any, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The upstreams' scripts run as shipped, and the demo is the same on every machine."""
    monkeypatch.setattr(sweep, "best_precision", lambda device: "bf16" if device == "cuda:1" else "fp32")
    changed = change(load_experiment(experiment), {"folds": [1], **asked})
    manifest = load_dataset("dfew")
    data = counted_data(changed, manifest, manifest.counts["1"])
    for device, expected in (("cuda:1", precision), ("cpu", "fp32")):
        configs = plan(changed, lambda *_: data, Machine(engine, device))
        assert {config.precision for config in configs} == {expected}


def test_other_au_files_make_other_runs_of_the_au_arms_alone(prepared: Prepared) -> None:
    experiment = change(load_experiment("demo"), {"models": ["m3dfel"], "arms": ["baseline", "au-minor"]})
    manifest = load_dataset("rendered")
    plans = [
        plan(experiment, lambda _, fold: packed_data(experiment, manifest, prepared, fold), Machine(), facts)
        for facts in ({"labels": "a", "lacking": ()}, {"labels": "b", "lacking": ("AU45",)})
    ]
    (baseline, au), (other_baseline, other_au) = plans
    assert baseline.digest() == other_baseline.digest()
    assert au.digest() != other_au.digest()


def test_the_facts_of_the_au_files_name_what_they_lack_and_hash_a_computed_matrix(tmp_path: Path) -> None:
    unit_A = np.ones(18, dtype=bool)
    unit_A[[0, 17]] = False
    assert au_facts(load_experiment("demo"), "hash", unit_A) == {"labels": "hash", "lacking": ("AU01", "AU45")}
    file = tmp_path / "k.csv"
    file.write_bytes((manifests_dir() / "knowledge/knowledge_fig4.csv").read_bytes())
    computed = change(load_experiment("demo"), {"settings": [f"au.knowledge=computed:{file}"]})
    assert au_facts(computed, "hash", unit_A)["knowledge_sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


def ratio_plan(prepared: Prepared, *settings: str) -> list[RunConfig]:
    experiment = change(load_experiment("ablation-ratio"), {"settings": list(settings)})
    manifest = load_dataset("rendered")
    return plan(experiment, lambda _, fold: packed_data(experiment, manifest, prepared, fold), Machine())


def test_a_sweep_of_ratios_is_one_baseline_and_an_au_run_each(prepared: Prepared) -> None:
    planned = ratio_plan(prepared)
    assert [(config.experiment, config.arm, config.au.ratio if config.au else 0) for config in planned] == [
        ("ablation-ratio", "baseline", 0),
        ("ablation-ratio/ratio-0.1", "au-minor", 0.1),
        ("ablation-ratio/ratio-0.25", "au-minor", 0.25),
        ("ablation-ratio/ratio-0.5", "au-minor", 0.5),
        ("ablation-ratio/ratio-0.75", "au-minor", 0.75),
        ("ablation-ratio/ratio-0.9", "au-minor", 0.9),
    ]
    assert all(config.directory().parts[0] == "ablation-ratio" for config in planned)


def test_a_swept_experiments_name_says_its_ratio() -> None:
    assert swept("ablation-ratio/ratio-0.25") == ("ablation-ratio", 0.25)
    assert swept("ablation-ratio") is None


def test_features_are_asked_of_every_run_and_refused_for_the_upstream_engine(prepared: Prepared) -> None:
    assert not any(config.features for config in ratio_plan(prepared))
    assert all(config.features for config in ratio_plan(prepared, "features=true"))
    experiment = change(load_experiment("demo-upstream"), {"settings": ["features=true"]})
    with pytest.raises(ManifestError, match=r"demo-upstream: features are those of our own models"):
        plan(experiment, lambda _, fold: None, Machine("upstream"))  # type: ignore[arg-type, return-value]
