"""Imports an upstream's own Python modules into this process, under the shims of its manifest.

Only for a process that ends afterwards: all three upstreams have top-level modules called `models`, `utils` or
`datasets`, and what the shims change is changed for the whole process.
"""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from pathlib import Path
from types import ModuleType

from harness.upstream import shims
from harness.upstream.job import Job
from harness.upstream.manifest import UpstreamError, load_upstream


def prepare(name: str, folder: Path) -> None:
    """Make `import` look in `folder` first, and this machine one that can run the upstream `name`."""
    if not folder.is_dir():
        raise UpstreamError(f"{folder}: no such folder; run `audfer upstream fetch {name}`")
    manifest = load_upstream(name)
    job = Job(
        upstream=name, tree=folder, entry=manifest.entry, work=Path(), argv=(), seed=0, threads=None, device="cpu",
        shims=tuple(shim.name for shim in manifest.shims),
    )  # fmt: skip
    sys.dont_write_bytecode = True  # the pinned tree stays as it is
    warnings.simplefilter("ignore")  # what upstream code is warned of is not this project's to mend
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # the comparison is made on the CPU
    shims.apply(job)
    sys.path.insert(0, str(folder.resolve()))


def load(folder: Path, name: str) -> ModuleType:
    """The upstream's module `name`; UpstreamError if it cannot be imported or does not come from `folder`."""
    try:
        module = importlib.import_module(name)
    except Exception as error:
        raise UpstreamError(f"{folder}: module {name} cannot be imported ({type(error).__name__}: {error})") from error
    if not Path(str(module.__file__)).is_relative_to(folder.resolve()):
        raise UpstreamError(f"{folder}: no module {name} there; run `audfer upstream fetch` again")
    return module
