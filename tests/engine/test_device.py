"""Devices by name: what is none, what is not there, and which one a process takes."""

import pytest
import torch

from harness.engine.device import best_precision, check_device, check_named, take_device
from harness.errors import HarnessError


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A machine that says it has two; the list is of those taken."""
    taken: list[int] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", taken.append)
    return taken


@pytest.mark.parametrize("device", ["tpu", "gpu", "cuda:", "cuda:x", "cpu:0", "CUDA:0", ""])
def test_what_is_no_device_is_told(device: str) -> None:
    with pytest.raises(HarnessError, match=f"device {device}: is neither cpu nor cuda:N; run with"):
        check_named(device)
    with pytest.raises(HarnessError, match="is neither cpu nor cuda:N"):
        check_device(device)


def test_a_name_is_enough_where_the_device_is_elsewhere() -> None:
    for device in ("cpu", "cuda", "cuda:7"):
        check_named(device)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a CUDA device")
def test_no_cuda_is_told() -> None:
    with pytest.raises(HarnessError, match=r"device cuda: this .*; run with --device cpu"):
        check_device("cuda")


def test_a_number_too_many_is_told(two_gpus: list[int]) -> None:
    with pytest.raises(
        HarnessError, match="device cuda:2: this machine has 2 of them, from 0; run with --device cuda:0"
    ):
        take_device("cuda:2")
    assert two_gpus == []


@pytest.mark.parametrize(("device", "number"), [("cuda", 0), ("cuda:0", 0), ("cuda:1", 1)])
def test_the_gpu_that_is_named_is_the_one_that_is_taken(device: str, number: int, two_gpus: list[int]) -> None:
    take_device(device)
    assert two_gpus == [number]


def test_a_cpu_takes_no_gpu(two_gpus: list[int]) -> None:
    take_device("cpu")
    assert two_gpus == []


def test_the_best_precision_of_a_cpu_is_bf16_where_it_multiplies_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_bf16": True})
    assert best_precision("cpu") == "bf16"
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx2": True})
    assert best_precision("cpu") == "fp32"


@pytest.mark.parametrize(("capability", "precision"), [((9, 0), "bf16"), ((8, 0), "bf16"), ((7, 5), "fp32")])
def test_the_best_precision_of_a_gpu_goes_by_its_capability(
    capability: tuple[int, int], precision: str, two_gpus: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert best_precision("cuda:1") == precision


def test_a_gpu_elsewhere_is_taken_to_multiply_bf16(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert best_precision("cuda") == "bf16"
