"""Names of weights in the upstreams and in the native models, in both directions.

A map is a list of pairs of templates, upstream first: `#` stands for a number, `*` for the rest of the name, and both
appear in the same order on the two sides. The first template that matches counts. Values are the same on both sides;
shapes differ at most by axes of length one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from torch import Tensor

from harness.errors import ManifestError

Pairs = tuple[tuple[str, str], ...]


def _vit_attention(theirs: str, ours: str) -> Pairs:
    return (
        (f"blocks.#.{theirs}.q.weight", f"blocks.#.{ours}.query.weight"),
        (f"blocks.#.{theirs}.q_bias", f"blocks.#.{ours}.query.bias"),
        (f"blocks.#.{theirs}.kv.weight", f"blocks.#.{ours}.key_value"),
        (f"blocks.#.{theirs}.v_bias", f"blocks.#.{ours}.value_bias"),
        (f"blocks.#.{theirs}.proj.*", f"blocks.#.{ours}.project.*"),
    )


def _former(theirs: str, ours: str) -> Pairs:
    """A transformer of Former-DFER; upstream, entry 0 of a layer is the attention and entry 1 the perceptron."""
    return (
        (f"{theirs}.layers.#.0.fn.norm.*", f"{ours}.layers.#.attention_norm.*"),
        (f"{theirs}.layers.#.0.fn.fn.to_qkv.*", f"{ours}.layers.#.attention.qkv.*"),
        (f"{theirs}.layers.#.0.fn.fn.to_out.0.*", f"{ours}.layers.#.attention.project.*"),
        (f"{theirs}.layers.#.1.fn.norm.*", f"{ours}.layers.#.mlp_norm.*"),
        (f"{theirs}.layers.#.1.fn.fn.net.0.*", f"{ours}.layers.#.mlp.0.*"),
        (f"{theirs}.layers.#.1.fn.fn.net.3.*", f"{ours}.layers.#.mlp.2.*"),
    )


def _former_stage(number: int) -> Pairs:
    """A stage of its ResNet, numbered from 1; the first one's width and stride ask for no convolution beside it."""
    theirs, ours = f"s_former.layer{number}.#", f"spatial.stages.{number - 1}.#"
    shortcut = ((f"{theirs}.downsample.*", f"{ours}.shortcut.*"),)
    return (
        *((f"{theirs}.conv{i}.*", f"{ours}.conv{i}.0.*") for i in (1, 2)),
        *((f"{theirs}.bn{i}.*", f"{ours}.conv{i}.1.*") for i in (1, 2)),
        *(shortcut if number > 1 else ()),
    )


UPSTREAM: dict[str, Pairs] = {
    "m3dfel": (
        ("features.0.*", "backbone.stem.*"),
        ("features.#.*", "backbone.layer#.*"),
        ("lstm.*", "lstm.*"),
        ("to_qkv.*", "attention.qkv.*"),
        ("norm.mean_weight", "norm.mean_mixture"),
        ("norm.var_weight", "norm.variance_mixture"),
        ("norm.*", "norm.*"),
        ("pwconv.*", "aggregate.*"),
        ("fc.*", "classifier.*"),
    ),
    "former_dfer": (
        ("s_former.conv1.*", "spatial.stem.0.*"),
        ("s_former.bn1.*", "spatial.stem.1.*"),
        *(pair for number in (1, 2, 3, 4) for pair in _former_stage(number)),
        ("s_former.pos_embedding", "spatial.position"),
        *_former("s_former.spatial_transformer", "spatial.transformer"),
        ("t_former.cls_token", "temporal.class_token"),
        ("t_former.pos_embedding", "temporal.position"),
        *_former("t_former.spatial_transformer", "temporal.transformer"),
        ("fc.*", "classifier.*"),
    ),
    "mae_dfer": (
        ("patch_embed.proj.*", "patch_embed.*"),
        ("lg_region_tokens", "region_tokens"),
        *_vit_attention("first_attn", "local_attention"),
        *_vit_attention("second_attn", "global_attention"),
        *_vit_attention("third_attn", "cross_attention"),
        ("blocks.#.first_attn_norm0.*", "blocks.#.local_norm.*"),
        ("blocks.#.second_attn_norm0.*", "blocks.#.global_norm.*"),
        ("blocks.#.third_attn_norm0.*", "blocks.#.cross_norm.*"),
        ("blocks.#.third_attn_norm1.*", "blocks.#.cross_context_norm.*"),
        ("blocks.#.norm2.*", "blocks.#.mlp_norm.*"),
        ("blocks.#.mlp.fc1.*", "blocks.#.mlp.0.*"),
        ("blocks.#.mlp.fc2.*", "blocks.#.mlp.2.*"),
        ("fc_norm.*", "norm.*"),
        ("head.*", "classifier.*"),
    ),
}

# torchvision's `r3d_18` (Kinetics-400), as M3DFEL starts from it.
R3D_18: Pairs = (("stem.*", "backbone.stem.*"), ("layer#.*", "backbone.layer#.*"))

# MAE-DFER's pre-training on VoxCeleb2: its encoder holds the fine-tuning model under a prefix.
MAE_PRETRAINING: Pairs = tuple((f"encoder.{theirs}", ours) for theirs, ours in UPSTREAM["mae_dfer"][:-2])

# Upstream tensors whose shape has axes of length one that the native one has not.
_UPSTREAM_SHAPES = {"m3dfel": {"norm.weight": (1, -1, 1), "norm.bias": (1, -1, 1)}}


def native_name(model: str, upstream_name: str) -> str | None:
    """The native name of an upstream weight, or None if the map has none."""
    return rename(upstream_name, _pairs(model))


def to_native(model: str, state: Mapping[str, Tensor], shapes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """An upstream's weights (or gradients) under their native names, in the shapes of the native tensors `shapes`.

    ManifestError names a weight that has no native name, or whose shape is another by more than axes of length one.
    """
    return fit(translate(state, _pairs(model)), shapes)


def to_upstream(model: str, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Native weights as the upstream's state_dict. ManifestError names a weight that has no upstream name."""
    renamed = translate(state, tuple((ours, theirs) for theirs, ours in _pairs(model)))
    shapes = _UPSTREAM_SHAPES.get(model, {})
    return {name: value.reshape(shapes[name]) if name in shapes else value for name, value in renamed.items()}


def translate(state: Mapping[str, Tensor], pairs: Pairs) -> dict[str, Tensor]:
    """`state` under other names; ManifestError names a weight that no pair matches, or two that get one name."""
    renamed: dict[str, Tensor] = {}
    for name, value in state.items():
        other = rename(name, pairs)
        if other is None:
            raise ManifestError(f"weight '{name}' has no name on the other side; see harness/upstream/namemap.py")
        if other in renamed:
            raise ManifestError(
                f"two weights are called '{other}', one of them '{name}'; see harness/upstream/namemap.py"
            )
        renamed[other] = value
    return renamed


def rename(name: str, pairs: Pairs) -> str | None:
    """The name on the other side of the first template that matches, or None."""
    for source, target in pairs:
        found = re.fullmatch(_regex(source), name)
        if found:
            return _filled(target, found.groups())
    return None


def fit(state: Mapping[str, Tensor], shapes: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The values in the shapes of their namesakes; ManifestError where more than axes of length one differs."""
    fitted = {}
    for name, value in state.items():
        if name not in shapes:
            raise ManifestError(f"weight '{name}' is none of the model's; see harness/upstream/namemap.py")
        if _without_ones(value.shape) != _without_ones(shapes[name].shape):
            raise ManifestError(
                f"weight '{name}' has shape {tuple(value.shape)}, the model's {tuple(shapes[name].shape)}; "
                "give weights of this model at this scale"
            )
        fitted[name] = value.reshape(shapes[name].shape)
    return fitted


def _pairs(model: str) -> Pairs:
    if model not in UPSTREAM:
        raise ManifestError(f"model '{model}' has no name map; use one of: {', '.join(UPSTREAM)}")
    return UPSTREAM[model]


def _regex(template: str) -> str:
    return re.escape(template).replace(r"\#", r"(\d+)").replace(r"\*", "(.+)")


def _filled(template: str, values: Iterable[str]) -> str:
    remaining = iter(values)
    return re.sub(r"[#*]", lambda found: next(remaining), template)


def _without_ones(shape: Iterable[int]) -> list[int]:
    return [length for length in shape if length != 1]
