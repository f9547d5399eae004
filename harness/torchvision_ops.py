"""Makes `import torchvision` (and timm, which imports it) work where torchvision's compiled operators cannot load.

A CPU build of PyTorch cannot load the operators of the registry's torchvision wheel, and torchvision's import then
stops at two operator schemas that it expects to exist. Import this module before torchvision or timm. Where the
compiled operators load, as they do on a GPU machine, it defines nothing.
"""

from __future__ import annotations

from importlib.machinery import EXTENSION_SUFFIXES
from importlib.util import find_spec
from pathlib import Path

import torch

# The schemas that torchvision's own compiled library would define; its Python side attaches fake kernels to both.
SCHEMAS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)


def load_extension() -> bool:
    """Loads torchvision's compiled operators without importing torchvision; False where there are none that load."""
    spec = find_spec("torchvision")
    folders = [] if spec is None else [Path(folder) for folder in spec.submodule_search_locations or ()]
    libraries = [folder / f"_C{suffix}" for folder in folders for suffix in EXTENSION_SUFFIXES]
    for library in filter(Path.exists, libraries):
        try:
            torch.ops.load_library(library)
        except (ImportError, OSError):
            continue
        return True
    return False


def define_schemas() -> torch.library.Library:
    """Defines the two schemas, without kernels; they last as long as the library that is returned."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    for schema in SCHEMAS:
        library.define(schema)
    return library


# None where the real operators loaded. Held for the life of the process: the schemas go when the library goes.
FALLBACK = None if load_extension() else define_schemas()
