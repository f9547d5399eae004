"""What a process of upstream code gets from this one: the variables named here and no others, and no network.

Not a sandbox: upstream code runs as the user and can read and write what the user can (SECURITY.md).
"""

from __future__ import annotations

import site
import socket
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import harness
from harness.errors import RunError

# Where programs and libraries lie, the language, and what changes which numbers come out or how fast.
KEPT = (
    "PATH", "LD_LIBRARY_PATH", "TMPDIR", "TZ", "LANG", "LC_ALL", "LC_CTYPE", "PYTHONHASHSEED", "PYTHONUTF8",
    "CUDA_HOME", "CUDA_PATH", "CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE", "PYTORCH_ALLOC_CONF", "PYTORCH_CUDA_ALLOC_CONF", "ATEN_CPU_CAPABILITY",
    "ONEDNN_MAX_CPU_ISA", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS", "MKL_NUM_THREADS", "OMP_NUM_THREADS",
    "OMP_PROC_BIND", "OMP_PLACES", "GOMP_CPU_AFFINITY", "KMP_AFFINITY", "KMP_BLOCKTIME",
)  # fmt: skip
SENDING = ("socket.connect", "socket.sendto", "socket.sendmsg")


def variables(
    given: Mapping[str, str], home: Path, threads: int | None = None, visible_devices: str | None = None
) -> dict[str, str]:
    """The whole environment of the process: of `given` only what KEPT names, and `home` as its home folder.

    Of the caller's PYTHONPATH nothing is left: the harness itself is found, and what is installed beside it.
    threads, visible_devices: OMP_NUM_THREADS and CUDA_VISIBLE_DEVICES, or None for the caller's.
    """
    kept = {name: given[name] for name in KEPT if name in given}
    # Packages that were installed with `pip --user` lie below the user's real home.
    packages = {"PYTHONUSERBASE": site.getuserbase()} if site.ENABLE_USER_SITE else {"PYTHONNOUSERSITE": "1"}
    own = {"HOME": str(home), "PYTHONPATH": str(Path(harness.__file__).parent.parent)}
    chosen = {"OMP_NUM_THREADS": str(threads)} if threads else {}
    chosen |= {} if visible_devices is None else {"CUDA_VISIBLE_DEVICES": visible_devices}
    return {**kept, **packages, **own, **chosen}


def refuse_network() -> None:
    """From here on Python code of this process that turns to the network gets a RunError. Cannot be taken back."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    asked = event == "socket.getaddrinfo"
    if asked or (event in SENDING and arguments[0].family in (socket.AF_INET, socket.AF_INET6)):
        where = arguments[0] if asked else arguments[1]
        raise RunError(f"upstream code asked for the network ({where}), which it has no need of; see what it wants")
