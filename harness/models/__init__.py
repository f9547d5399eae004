"""The native models by name: M3DFEL, Former-DFER and MAE-DFER, each at scale `full` (as released) and `demo`.

Every model takes clip_BTCHW, float and normalised, and returns logits_BE. Its last linear layer is `classifier`.
"""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from harness.errors import ManifestError
from harness.models.former_dfer import FormerDFER, FormerDFERConfig
from harness.models.m3dfel import M3DFEL, M3DFELConfig
from harness.models.mae_dfer import MAEDFER, MAEDFERConfig

Config = M3DFELConfig | FormerDFERConfig | MAEDFERConfig

MODELS: dict[str, type[M3DFEL] | type[FormerDFER] | type[MAEDFER]] = {
    "m3dfel": M3DFEL,
    "former_dfer": FormerDFER,
    "mae_dfer": MAEDFER,
}
CONFIGS: dict[str, dict[str, Config]] = {
    "m3dfel": {"full": M3DFELConfig.full(), "demo": M3DFELConfig.demo()},
    "former_dfer": {"full": FormerDFERConfig.full(), "demo": FormerDFERConfig.demo()},
    "mae_dfer": {"full": MAEDFERConfig.full(), "demo": MAEDFERConfig.demo()},
}


def build(name: str, scale: str = "full", num_classes: int = 7) -> nn.Module:
    """A fresh model, drawn from torch's global generator. Raises ManifestError for an unknown name or scale."""
    config = configuration(name, scale)
    return MODELS[name](config, num_classes)  # type: ignore[arg-type]  # CONFIGS pairs each class with its own kind


def input_shape(name: str, scale: str = "full") -> tuple[int, int, int, int]:
    """(T, C, H, W) of one clip. Raises ManifestError for an unknown name or scale."""
    config = configuration(name, scale)
    return config.frames, 3, config.pixels, config.pixels


def stages(model: nn.Module) -> Iterable[nn.Module]:
    """The blocks of a native model that hold nearly all activations of a training step, in the order of the pass."""
    if isinstance(model, M3DFEL):
        backbone = model.backbone
        return backbone.stem, backbone.layer1, backbone.layer2, backbone.layer3, backbone.layer4
    if isinstance(model, FormerDFER):
        return model.spatial.stem, *model.spatial.stages, model.spatial.transformer, model.temporal.transformer
    if isinstance(model, MAEDFER):
        return model.blocks
    raise TypeError(f"{type(model).__name__} is none of the native models")


def configuration(name: str, scale: str = "full") -> Config:
    """The model's configuration. Raises ManifestError for an unknown name or scale."""
    if name not in CONFIGS:
        raise ManifestError(f"model '{name}' is unknown; use one of: {', '.join(CONFIGS)}")
    if scale not in CONFIGS[name]:
        raise ManifestError(f"scale '{scale}' of model '{name}' is unknown; use one of: {', '.join(CONFIGS[name])}")
    return CONFIGS[name][scale]
