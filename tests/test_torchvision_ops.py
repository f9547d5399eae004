"""Each in a process of its own: operators once defined stay for the life of a process."""

import subprocess
import sys

import pytest


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)


def test_torchvision_imports_after_it():
    done = run(
        "import harness.torchvision_ops, gc; gc.collect()\n"
        "import torch, torchvision, torchvision.models.video, torchvision.transforms.v2\n"
        "torch.ops.torchvision.nms, torch.ops.torchvision.qnms\n"
        "from timm.layers import DropPath"
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("error", ["OSError('undefined symbol')", "ImportError('no such file')"])
def test_schemas_where_the_extension_does_not_load(error):
    done = run(
        "import torch\n"
        "def load(path): raise " + error + "\n"
        "torch.ops.load_library = load\n"
        "import harness.torchvision_ops as ops\n"
        "assert ops.FALLBACK is not None\n"
        "assert 'float iou_threshold' in str(torch.ops.torchvision.nms.default._schema)\n"
        "assert 'float iou_threshold' in str(torch.ops.torchvision.qnms.default._schema)"
    )
    assert done.returncode == 0, done.stderr


def test_nothing_is_defined_where_it_loads():
    done = run(
        "import torch\n"
        "paths = []\n"
        "torch.ops.load_library = paths.append\n"
        "import harness.torchvision_ops as ops\n"
        "assert ops.FALLBACK is None\n"
        "assert [path.name[:3] for path in paths] == ['_C.'], paths\n"
        "assert not hasattr(torch.ops.torchvision, 'nms')"
    )
    assert done.returncode == 0, done.stderr


def test_no_torchvision_installed():
    done = run(
        "import importlib.util\n"
        "importlib.util.find_spec = lambda name: None\n"
        "import harness.torchvision_ops as ops\n"
        "assert not ops.load_extension()"
    )
    assert done.returncode == 0, done.stderr
