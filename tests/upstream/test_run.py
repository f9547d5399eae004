"""The three real scripts on a few rendered faces: a whole AU run each, into a record that reads back."""

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

from harness.files import write_text
from harness.runs.records import read_run, seal
from harness.upstream.bits import small_run
from harness.upstream.manifest import load_upstream
from harness.upstream.run import train_run

pytestmark = pytest.mark.upstream


@pytest.mark.parametrize("name", ["m3dfel", "mae_dfer", "former_dfer"])
def test_an_au_arm_ends_in_a_sealed_record(third_party, rendered_root, tmp_path, name):
    config = small_run(name, rendered_root, ratio=0.25, epochs=1)
    run_dir = tmp_path / config.directory()
    run_dir.mkdir(parents=True)
    write_text(run_dir / "config.json", config.canonical_json())
    told = []
    train_run(config, rendered_root, run_dir, told.append, cache=tmp_path, third_party=third_party)
    seal(run_dir)
    run = read_run(run_dir)
    assert list(run.epochs) == told
    (epoch,) = told
    assert epoch["step"] == 3  # seven clips, two a step, the last one dropped as all three upstreams do
    assert epoch["au_loss"] > 0
    assert epoch["loss"] == pytest.approx(0.75 * epoch["expression_loss"] + 0.25 * epoch["au_loss"], rel=1e-5)
    predictions = run.predictions["last"]
    assert len(predictions.clips) == config.dataset.clips["test"] == len(set(predictions.label_B.tolist()))
    assert epoch["test_war"] == accuracy_score(predictions.label_B, np.argmax(predictions.logits_BE, axis=1))
    upstream = json.loads((run_dir / "environment.json").read_text())["upstream"]
    assert (upstream["name"], upstream["patched_tree"]) == (name, load_upstream(name).patched_tree)
    assert not (run_dir / "work").exists()
