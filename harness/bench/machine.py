"""The machine that is measured: its name, versions, precisions, and the rate of its matrix products."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from harness.engine.environment import describe, device_name
from harness.manifest import RunConfig

SIDE = {"cpu": 2048, "cuda": 8192}  # of the square matrices whose product is the ceiling
# Dense bf16, half of the operations that the maker's data sheet of the H200 (SXM) states: an operation is half of one.
DATA_SHEET = {("NVIDIA H200", "bf16"): 989.4e12 / 2}
DTYPES: dict[str, torch.dtype] = {"fp32": torch.float32, "bf16": torch.bfloat16}


def facts(config: RunConfig) -> dict[str, Any]:
    """What a figure depends on beside the code: device, versions, driver, threads, and the commit. No date."""
    described = describe(config)
    kept = ("harness", "python", "torch", "torchvision", "timm", "numpy", "device_name", "precision")
    threads = config.threads or torch.get_num_threads()
    return {name: described[name] for name in kept} | {"threads": threads, "driver": driver(config.device)}


def driver(device: str) -> str | None:
    """Version of the GPU's driver and of CUDA; for a CPU, of the library that multiplies matrices."""
    if device == "cpu":
        return "oneDNN" if torch.backends.mkldnn.is_available() else None
    try:
        command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        version = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[0]
    except (OSError, subprocess.CalledProcessError, IndexError):
        version = "unknown"
    return f"{version}, CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}"


def slug(device: str) -> str:
    """The device's name as a file's: `AMD EPYC (AVX2)` as `amd-epyc-avx2`."""
    return re.sub(r"[^a-z0-9]+", "-", device_name(device).lower()).strip("-")


def data_sheet(device: str, precision: str) -> float | None:
    """Multiply-adds a second that the device's maker states for matrix products, or None where that is not known."""
    return DATA_SHEET.get((device_name(device), precision))


def matrix_product(device: str, precision: str) -> tuple[Callable[[], object], float]:
    """One product of two large square matrices, and its multiply-adds: the rate that no step can pass.

    In fp32 it is exact: TF32, which a bf16 run allows what it leaves in fp32, is off for it.
    """
    side, dtype = SIDE[torch.device(device).type], DTYPES[precision]
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.randn(side, side, generator=generator).to(device, dtype) for _ in range(2))
    result = torch.empty_like(first)

    def product() -> None:
        with _exact():
            torch.mm(first, second, out=result)

    return product, float(side) ** 3


@contextmanager
def _exact() -> Iterator[None]:
    """No TF32 on a GPU; a CPU and bf16 have none."""
    matmul: Any = torch.backends.cuda.matmul
    before, matmul.fp32_precision = matmul.fp32_precision, "ieee"
    try:
        yield
    finally:
        matmul.fp32_precision = before
