"""What a run was executed on: the content of `environment.json`."""

from __future__ import annotations

import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

import harness
from harness.engine.optim import lr_rule
from harness.manifest import RunConfig

PACKAGES = ("torch", "torchvision", "timm", "numpy")


def describe(config: RunConfig) -> dict[str, object]:
    """Commits, versions, device, precision, threads of this process and how ranks share the work, as plain values."""
    return {
        "harness": {"version": harness.__version__, **_checkout(Path(harness.__file__).parent)},
        "upstream": None,
        "python": platform.python_version(),
        # System, processor and C library: a kernel's release names a host more than it tells of a result.
        "platform": "-".join((platform.system(), platform.machine(), *platform.libc_ver())),
        "processor": processor(),
        **{name: _version(name) for name in PACKAGES},
        "device_name": device_name(config.device),
        "precision": config.precision,
        "threads": torch.get_num_threads(),
        "shares": shares(config),
    }


def shares(config: RunConfig) -> dict[str, object]:
    """How many processes train the run, what batch each has a part of, and the learning rate that follows."""
    batch = config.recipe.batch
    return {
        "world_size": config.nproc,
        "global_batch": batch,
        "batch_per_rank": batch // config.nproc,
        "learning_rate": lr_rule(config.recipe),
        "batch_norm": "over the global batch",
    }


def device_name(device: str) -> str:
    """Name of the processor or GPU that `device` stands for."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else processor()


def processor() -> str:
    """The processor's name with the vector instructions that PyTorch uses on it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name} ({torch.backends.cpu.get_cpu_capability()})"


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _checkout(package: Path) -> dict[str, object]:
    """Commit of the checkout that the package lies in, and whether tracked files differ from it; None if installed."""
    if not (package.parent / ".git").exists():
        return {"commit": None, "dirty": None}
    commit = _git(package.parent, "rev-parse", "HEAD")
    return {"commit": commit, "dirty": bool(_git(package.parent, "status", "--porcelain", "--untracked-files=no"))}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()
