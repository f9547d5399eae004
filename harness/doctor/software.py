"""Python, the packages that are asked for, the picture codecs, and programs that are used where they are there."""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from io import BytesIO

import numpy as np
import simplejpeg
import torch
from packaging.requirements import Requirement
from PIL import Image, UnidentifiedImageError

from harness.doctor.finding import Finding

DISTRIBUTION = "au-dfer-harness"
LEAST_PYTHON = (3, 11)
# Module -> our extra that brings it, and what is done with it.
EXTRAS = {
    "tensorboard": ("tensorboard", "audfer run --tensorboard"),
    "submitit": ("slurm", "--launcher slurm"),
    "playwright": ("browser", "the tests of the page"),
}
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def software() -> list[Finding]:
    """All of it."""
    return [_python(), _packages(), _torch(), *_codecs(), *map(_extra, EXTRAS), _git(), _browser()]


def unmet(lines: Sequence[str]) -> list[str]:
    """Of a distribution's requirements those without an extra that are not met here: absent, or out of the range."""
    wrong = []
    for wanted in map(Requirement, lines):
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            wrong.append(f"{wanted.name} is absent")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            wrong.append(f"{wanted.name} is {found}, not {wanted.specifier}")
    return wrong


def _python() -> Finding:
    told = f"{platform.python_version()} at {sys.executable}"
    if sys.version_info < LEAST_PYTHON:
        return Finding("Python", "broken", told, "install Python 3.11 or later")
    return Finding("Python", "ok", told)


def _packages() -> Finding:
    try:
        lines = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        return Finding("packages", "missing", f"{DISTRIBUTION} runs without being installed", "python -m pip install .")
    wrong = unmet(lines)
    if wrong:
        return Finding("packages", "broken", "; ".join(wrong), "python -m pip install . again, in the harness folder")
    return Finding("packages", "ok", "all there, in the ranges asked for")


def _torch() -> Finding:
    build = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU build"
    return Finding("PyTorch", "ok", f"{torch.__version__}, {build}")


def _codecs() -> list[Finding]:
    """One grey picture there and back, by the decoders that the data go through."""
    grey_HWC = np.full((16, 16, 3), 128, np.uint8)
    png = BytesIO()
    Image.fromarray(grey_HWC).save(png, "PNG")
    found = []
    for name, decode in {
        "JPEG": lambda: simplejpeg.decode_jpeg(simplejpeg.encode_jpeg(grey_HWC)),
        "PNG": lambda: np.asarray(Image.open(png)),
    }.items():
        try:
            right = decode().shape == grey_HWC.shape
        except (OSError, ValueError, UnidentifiedImageError):
            right = False
        if right:
            found.append(Finding(name, "ok", "decodes"))
        else:
            found.append(
                Finding(name, "broken", "does not decode", "python -m pip install --force-reinstall pillow simplejpeg")
            )
    return found


def _extra(module: str) -> Finding:
    extra, use = EXTRAS[module]
    if find_spec(module) is None:
        return Finding(module, "missing", f"not installed; {use} needs it", f'python -m pip install ".[{extra}]"')
    return Finding(module, "ok", version(module))


def _git() -> Finding:
    where = shutil.which("git")
    if where is None:
        return Finding("git", "missing", "not on PATH; audfer upstream needs it", "install git")
    return Finding("git", "ok", where)


def _browser() -> Finding:
    where = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if where is None:
        return Finding("Chromium", "missing", "not on PATH; only the tests of the page need it", "install chromium")
    return Finding("Chromium", "ok", where)
