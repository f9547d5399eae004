"""Want of memory: recognised, named with its remedy, and evaded by halves."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

from harness.engine.memory import Portion, is_out_of_memory, named
from harness.errors import RunError

TOO_MUCH = 10**15
FAULTS = """
import resource, torch
from harness.engine.memory import keep_freed
print(keep_freed())
for _ in range(40):
    torch.ones(10**7)
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    torch.ones(10**7)
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) * resource.getpagesize())
"""


def test_an_allocation_that_fails_is_recognised() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(TOO_MUCH)
    assert is_out_of_memory(caught.value)
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"))
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))


def test_the_error_names_run_batch_and_remedy() -> None:
    expected = r"^runs/x: out of memory at batch 256 on cuda; lower it with --set m3dfel.batch=128, or take another"
    with pytest.raises(RunError, match=expected), named(Path("runs/x"), "m3dfel", 256, "cuda"):
        torch.empty(TOO_MUCH)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is kept by glibc's mallopt")
def test_freed_memory_is_not_asked_for_again() -> None:
    said = subprocess.run([sys.executable, "-c", FAULTS], capture_output=True, text=True, check=True)
    told, faulted = said.stdout.split()
    if told == "False":
        pytest.skip("this C library has no mallopt")
    assert int(faulted) < 4 * 10**7  # of ten blocks of 40 MB: they lie where others lay


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="shapes"), named(Path("runs/x"), "m3dfel", 256, "cpu"):
        raise RuntimeError("shapes")


def test_portions_are_halved_until_they_fit_and_stay_so() -> None:
    asked: list[int] = []

    def rows_of(rows: slice) -> torch.Tensor:
        asked.append(rows.stop - rows.start)
        if rows.stop - rows.start > 3:
            raise MemoryError
        return torch.arange(rows.start, rows.stop)

    portion = Portion(16)
    assert portion.work(7, rows_of).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert asked == [7, 3, 3, 1]
    asked.clear()
    assert portion.work(4, rows_of).tolist() == [0, 1, 2, 3]
    assert asked == [3, 1]


def test_a_clip_that_does_not_fit_alone_is_the_error() -> None:
    def nothing_fits(rows: slice) -> torch.Tensor:
        raise MemoryError("one clip")

    with pytest.raises(MemoryError, match="one clip"):
        Portion(4).work(2, nothing_fits)
