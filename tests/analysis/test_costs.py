"""What models cost, counted by another process."""

import runpy
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO

import pytest
import torch

from harness.analysis import costs as module
from harness.analysis.costs import _read, begin_costs
from harness.errors import HarnessError
from harness.models import build


class Here:
    """Stands for the process: what it would do is done in this one, which has PyTorch, when its answer is waited for.

    That Python can be started so is seen by every report (tests/test_reproduce.py).
    """

    def __init__(self, command, **kinds):
        self.returncode, (self.python, *self.module), *_ = 0, command[:3]
        self.arguments, self.kinds = command[3:], kinds

    def communicate(self):
        assert (self.python, self.module, self.kinds["text"]) == (sys.executable, ["-m", module.__name__], True)
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as said:
            patch.setattr(torch, "set_num_threads", lambda threads: None)
            patch.setattr(sys, "argv", [module.__file__, *self.arguments])
            runpy.run_path(module.__file__, run_name="__main__")
        return said.getvalue(), ""


def test_another_process_counts_the_models_it_knows(monkeypatch):
    monkeypatch.setattr(subprocess, "Popen", Here)
    counted = begin_costs({("mae_dfer", "demo"), ("none of ours", "full")})()
    ((model, cost),) = counted.items()
    assert model == ("mae_dfer", "demo")
    assert cost.parameters == sum(parameter.numel() for parameter in build("mae_dfer", "demo").parameters())
    assert cost.multiply_adds > cost.parameters


def test_what_it_complains_of_is_told():
    failing = subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.exit('no such operator')"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with pytest.raises(HarnessError, match="no such operator"):
        _read(failing)
