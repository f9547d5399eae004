"""The device that a run is to have: whether it is one, whether it is there, and taking it."""

from __future__ import annotations

import re

import torch

from harness.errors import HarnessError


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
        raise HarnessError(f"device {device}: this machine has no CUDA device; run with --device cpu")
    there = torch.cuda.device_count()
    if _number(device) >= there:
        raise HarnessError(f"device {device}: this machine has {there} of them, from 0; run with --device cuda:0")


def take_device(device: str) -> None:
    """Make it the one that CUDA means where none is named: streams, free memory and copies are then all of this one."""
    check_device(device)
    if device != "cpu":
        torch.cuda.set_device(_number(device))


def _number(device: str) -> int:
    return int(device.partition(":")[2] or 0)
