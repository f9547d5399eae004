import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from harness.errors import HarnessError
from harness.models import build
from harness.upstream import verify_native as module
from harness.upstream.initial import load_initial
from harness.upstream.manifest import load_upstream
from harness.upstream.tree import export
from harness.upstream.verify_native import Check, rows, verify_native

ROOT = Path(__file__).parents[2]
ASKED = {
    "parameters", "multiply-adds of a clip", "name map, there and back", "optimiser and its settings",
    "weight decay of every parameter", "learning rate of every parameter and step", "losses of steps 0 to 4, fp64",
    *(f"{what}, {mode}, fp32" for what in ("logits", "AU logits", "gradients") for mode in ("eval", "train")),
    *(f"gradients, {mode}, fp64" for mode in ("eval", "train")),
}  # fmt: skip


def test_rows_say_what_was_asked_and_found():
    checks = [Check("m", "parameters", 0, 0, True, "12"), Check("m", "logits", 1e-5, 2.34e-5, False)]
    assert rows(checks) == [
        {"model": "m", "check": "parameters", "asked": "equal", "measured": "0", "passed": "yes", "note": "12"},
        {"model": "m", "check": "logits", "asked": "1e-05", "measured": "2.3e-05", "passed": "NO", "note": ""},
    ]


def test_a_folder_without_the_upstream_is_one_line(tmp_path):
    with pytest.raises(HarnessError, match=r"m3dfel: .*cannot be imported") as caught:
        verify_native("m3dfel", tmp_path)
    assert "\n" not in str(caught.value)


def test_the_answer_of_the_process_comes_back(tmp_path, monkeypatch):
    check = Check("m3dfel", "logits", 1e-5, 1e-7, True, "small")

    def work(name, upstream_dir, answer, cwd):
        answer.write_text(json.dumps([vars(check)]))

    monkeypatch.setattr(module, "_work", work)
    assert verify_native("m3dfel", tmp_path) == [check]


@pytest.mark.upstream
@pytest.mark.parametrize("name", ["m3dfel", "former_dfer", "mae_dfer"])
def test_the_native_model_is_its_upstream(third_party, tmp_path, name):
    folder = export(load_upstream(name), third_party, tmp_path / name, patched=False)
    before = sorted(folder.rglob("*"))
    checks = verify_native(name, folder)
    assert {check.check for check in checks} >= ASKED
    assert [check for check in checks if not check.passed] == []
    exact = [check for check in checks if not check.check.startswith("gradients")]
    assert all(check.measured <= check.asked for check in exact)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.upstream
def test_a_checkpoint_written_by_an_upstream_starts_the_native_model(third_party, tmp_path):
    """Former-DFER's own model, saved as its script saves it; read in the native model it gives the same logits."""
    folder = export(load_upstream("former_dfer"), third_party, tmp_path / "tree", patched=False)
    script = (
        "import sys, torch; from pathlib import Path; from harness.upstream.reference import reference\n"
        "model = torch.nn.DataParallel(reference('former_dfer', Path(sys.argv[1])).build(16)).eval()\n"
        "clip = torch.rand(1, 16, 3, 112, 112)\n"
        "saved = {'epoch': 1, 'state_dict': model.state_dict(), 'best_acc': torch.tensor(50.0)}\n"
        "torch.save(saved, sys.argv[2]); torch.save({'clip': clip, 'logits': model(clip).detach()}, sys.argv[3])\n"
    )
    paths = [str(path) for path in (folder, tmp_path / "model_best.pth", tmp_path / "answer.pth")]
    subprocess.run([sys.executable, "-c", script, *paths], check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    answer = torch.load(tmp_path / "answer.pth", weights_only=True)
    native = build("former_dfer").eval()
    native.load_state_dict(load_initial("former_dfer", "full", Path(paths[1])))
    torch.testing.assert_close(native(answer["clip"]), answer["logits"], rtol=0, atol=1e-5)
