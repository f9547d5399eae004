"""The device that a run is to have: whether it is one, whether it is there, and taking it."""

from __future__ import annotations

import re

import torch

from harness.errors import HarnessError
from harness.manifest import Precision


def check_named(device: str) -> None:
    """HarnessError if it is neither cpu nor cuda nor cuda:N; whether this machine has it is another question."""
    if not re.fullmatch(r"cpu|cuda(:\d+)?", device):
        raise HarnessError(f"device {device}: is neither cpu nor cuda:N; run with --device cpu or --device cuda:0")


def check_device(device: str) -> None:
    """HarnessError if the device is none, or not there."""
    check_named(device)
    if device == "cpu":
        return
    if not torch.cuda.is_available():
        why = "this PyTorch is a build for CPUs" if torch.version.cuda is None else "this machine has no CUDA device"
        raise HarnessError(f"device {device}: {why}; run with --device cpu")
    there = torch.cuda.device_count()
    if _number(device) >= there:
        raise HarnessError(f"device {device}: this machine has {there} of them, from 0; run with --device cuda:0")


def take_device(device: str) -> None:
    """Make it the one that CUDA means where none is named: streams, free memory and copies are then all of this one."""
    check_device(device)
    if device != "cpu":
        torch.cuda.set_device(_number(device))


def best_precision(device: str) -> Precision:
    """bf16 where the device multiplies it in hardware, else fp32: emulated bf16 is slower than that.

    A GPU that this machine does not have, one of a cluster's, is taken to do so, as all since 2020 do.
    """
    if device == "cpu":
        return "bf16" if torch.cpu.get_capabilities().get("avx512_bf16") else "fp32"
    if not torch.cuda.is_available():
        return "bf16"
    return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp32"


def _number(device: str) -> int:
    return int(device.partition(":")[2] or 0)
