"""Each in a process of its own, a fork of one that has imported PyTorch: operators once defined stay for its life."""

import json
import subprocess
import sys

import pytest

CASES = {
    "torchvision imports after it": """
import harness.torchvision_ops, gc; gc.collect()
import torchvision, torchvision.models.video, torchvision.transforms.v2
torch.ops.torchvision.nms, torch.ops.torchvision.qnms
from timm.layers import DropPath
""",
    "undefined symbol": """
def load(path): raise OSError('undefined symbol')
torch.ops.load_library = load
import harness.torchvision_ops as ops
assert ops.FALLBACK is not None
assert 'float iou_threshold' in str(torch.ops.torchvision.nms.default._schema)
assert 'float iou_threshold' in str(torch.ops.torchvision.qnms.default._schema)
""",
    "it loads": """
paths = []
torch.ops.load_library = paths.append
import harness.torchvision_ops as ops
assert ops.FALLBACK is None
assert [path.name[:3] for path in paths] == ['_C.'], paths
assert not hasattr(torch.ops.torchvision, 'nms')
""",
    "no torchvision": """
import importlib.util
importlib.util.find_spec = lambda name: None
import harness.torchvision_ops as ops
assert not ops.load_extension()
""",
}
CASES["no such file"] = CASES["undefined symbol"].replace("OSError('undefined symbol')", "ImportError('no such file')")
FORKS = """
import json, os, sys, traceback
import torch
wrong = {}
for name, code in json.loads(sys.argv[1]).items():
    heard, says = os.pipe()
    if os.fork() == 0:
        os.close(heard)
        try:
            exec(code, {"torch": torch})
        except BaseException:
            os.write(says, traceback.format_exc()[-4000:].encode())
        finally:
            os._exit(0)
    os.close(says)
    with open(heard) as file:
        wrong[name] = file.read()
    wrong[name] += str(os.wait()[1] or "")
print(json.dumps(wrong))
"""


@pytest.fixture(scope="module")
def wrong() -> dict[str, str]:
    """What went wrong, by case: a traceback, or the status of a fork that was killed."""
    command = [sys.executable, "-c", FORKS, json.dumps(CASES)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("case", CASES)
def test_the_case_goes_well(case: str, wrong: dict[str, str]) -> None:
    assert wrong[case] == ""
