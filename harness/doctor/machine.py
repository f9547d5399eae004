"""Processor, GPUs, memory, disk and the cluster: what there is of each."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import torch

from harness.doctor.finding import Finding
from harness.engine.environment import processor

GIB = 1 << 30
DEMO_MEMORY, DEMO_DISK = 3 * GIB, GIB  # of `audfer demo` on two cores (README.md); its data and runs take 0.4 GB
# The vector instructions that decide how fast fp32 and bf16 are here, as /proc/cpuinfo writes them.
VECTOR_FLAGS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve")
BF16_FLAGS = {"avx512_bf16", "amx_bf16", "bf16"}


def machine(out: Path) -> list[Finding]:
    """All of it; `out` is where runs would be written."""
    return [_processor(), *_gpus(), _memory(), _disk(out), _cluster()]


def cpu_flags(cpuinfo: str) -> list[str]:
    """Those of VECTOR_FLAGS that /proc/cpuinfo names for its first processor (x86: `flags`, Arm: `Features`)."""
    lines = [line for line in cpuinfo.splitlines() if line.startswith(("flags", "Features"))]
    there = set(lines[0].partition(":")[2].split()) if lines else set()
    return [flag for flag in VECTOR_FLAGS if flag in there]


def total_memory(meminfo: str) -> int | None:
    """Bytes of memory by /proc/meminfo, or None if it does not say."""
    for line in meminfo.splitlines():
        if line.startswith("MemTotal:"):
            return int(line.split()[1]) * 1024
    return None


def _processor() -> Finding:
    flags = cpu_flags(_read("/proc/cpuinfo"))
    bf16 = "bf16 in hardware" if BF16_FLAGS & set(flags) else "no bf16 in hardware: fp32 is the faster"
    cores = len(os.sched_getaffinity(0))
    told = f"{processor()}, {cores} cores, {torch.get_num_threads()} threads, {' '.join(flags) or 'flags unknown'}"
    return Finding("processor", "ok", f"{told}; {bf16}")


def _gpus() -> list[Finding]:
    if not torch.cuda.is_available():
        why = "PyTorch is a CPU build" if torch.version.cuda is None else "no CUDA device answers"
        return [Finding("GPU", "missing", why, "take --device cpu; for a GPU, its driver and a CUDA build of PyTorch")]
    found = []
    for number in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(number)
        bf16 = "bf16" if facts.major >= 8 else "no bf16"
        told = f"{facts.name}, {facts.total_memory / GIB:.0f} GiB, capability {facts.major}.{facts.minor}, {bf16}"
        found.append(Finding(f"GPU cuda:{number}", "ok", told))
    return found


def _memory() -> Finding:
    total = total_memory(_read("/proc/meminfo"))
    if total is None:
        return Finding("memory", "ok", "this system does not say how much")
    told = f"{total / GIB:.1f} GiB"
    if total < DEMO_MEMORY:
        return Finding("memory", "missing", told, "the demo takes 3 GB: give --jobs 1")
    return Finding("memory", "ok", told)


def _disk(out: Path) -> Finding:
    place = next(folder for folder in (out.absolute(), *out.absolute().parents) if folder.is_dir())
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding("disk", "broken", f"{place} cannot be written to", "give --out and --cache folders that can")
    free = shutil.disk_usage(place).free
    told = f"{free / GIB:.1f} GiB free in {place}"
    if free < DEMO_DISK:
        return Finding("disk", "missing", told, "the demo takes half a GB, DFEW as packed frames tens: make room")
    return Finding("disk", "ok", told)


def _cluster() -> Finding:
    if shutil.which("sbatch") is None:
        return Finding("SLURM", "missing", "no sbatch on PATH", "take --launcher local, or run on the cluster")
    return Finding("SLURM", "ok", str(shutil.which("sbatch")))


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
