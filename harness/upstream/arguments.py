"""From a run's recipe to the options of an upstream's script.

What the recipe says and the script has an option for is given to it, always; what the script fixes in its code must
stand in the recipe as it is there (manifests/models, scale `full`), or the record would not say what was run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.errors import ManifestError
from harness.manifest import RunConfig, load_model
from harness.recipe import Recipe

# Key of the recipe -> option of the script.
OPTIONS: dict[str, dict[str, str]] = {
    "former_dfer": {
        "batch": "--batch-size",
        "epochs": "--epochs",
        "optimizer.lr": "--lr",
        "optimizer.momentum": "--momentum",
        "optimizer.weight_decay": "--weight-decay",
    },
    "m3dfel": {
        "batch": "--batch_size",
        "epochs": "--epochs",
        "label_smoothing": "--label_smoothing",
        "input.frames": "--num_frames",
        "input.size": "--crop_size",
        "optimizer.lr": "--lr",
        "optimizer.eps": "--eps",
        "optimizer.weight_decay": "--weight_decay",
        "schedule.warmup_epochs": "--warmup_epochs",
        "schedule.min_lr": "--min_lr",
    },
    "mae_dfer": {
        "batch": "--batch_size",
        "epochs": "--epochs",
        "label_smoothing": "--smoothing",
        "input.frames": "--num_frames",
        "sampling.stride": "--sampling_rate",
        "sampling.test_segments": "--test_num_segment",
        "sampling.test_crops": "--test_num_crop",
        "augmentation.rand_augment": "--aa",
        "augmentation.erasing": "--reprob",
        "augmentation.mixup": "--mixup",
        "augmentation.cutmix": "--cutmix",
        "optimizer.lr": "--lr",
        "optimizer.eps": "--opt_eps",
        "optimizer.betas": "--opt_betas",
        "optimizer.weight_decay": "--weight_decay",
        "optimizer.layer_decay": "--layer_decay",
        "schedule.warmup_epochs": "--warmup_epochs",
        "schedule.min_lr": "--min_lr",
    },
}
WHOLE = ("schedule.warmup_epochs",)  # the scripts take whole numbers here
OURS_ALONE = ("pack_size", "sampling.test")  # the scripts read the frames themselves


def arguments(config: RunConfig, weights: str | None) -> list[str]:
    """The command line of the upstream's script for a run in a folder made by `lay_out`.

    weights: a file for the scripts that take one. ManifestError if the recipe wants what the script cannot do, or if
    `upstream_options` names an option that is set already.
    """
    _check_possible(config)
    recipe = _flat(config.recipe)
    line = SETTINGS[config.model](config, weights)
    for key, option in OPTIONS[config.model].items():
        value = recipe[key]
        line += [option, *(str(one) for one in (value if isinstance(value, list) else [_plain(key, value)]))]
    return line + _extra(config, line)


def _former_dfer(config: RunConfig, weights: str | None) -> list[str]:
    return ["--data_set", str(config.fold)]


def _m3dfel(config: RunConfig, weights: str | None) -> list[str]:
    device = "-1" if config.device == "cpu" else "0"
    return [
        "--dataset",
        "DFEW",
        "--root",
        "data",
        "--fold",
        str(config.fold),
        "--seed",
        str(config.seed),
        f"--gpu_ids={device}",
    ]


def _mae_dfer(config: RunConfig, weights: str | None) -> list[str]:
    """The options of the upstream's scripts/dfew, in one process; none of its checkpoints outlives the run."""
    line = ["--model", "vit_base_dim512_no_depth_patch16_160", "--data_set", "DFEW", "--nb_classes", "7"]
    line += ["--data_path", "lists", "--output_dir", "output", "--no_save_ckpt", "--seed", str(config.seed)]
    line += ["--device", "cpu" if config.device == "cpu" else "cuda", "--num_sample", "1", "--opt", "adamw"]
    line += ["--input_size", "160", "--short_side_size", "160", "--attn_type", "local_global"]
    line += ["--lg_region_size", "2", "5", "10", "--lg_classify_token_type", "region"]
    return line + (["--finetune", weights] if weights else [])


SETTINGS: dict[str, Callable[[RunConfig, str | None], list[str]]] = {
    "former_dfer": _former_dfer,
    "m3dfel": _m3dfel,
    "mae_dfer": _mae_dfer,
}
# Options that a caller may change: the upstream's scripts/dfew have them, the recipe does not.
DEFAULTS: dict[str, dict[str, str | int | float]] = {"former_dfer": {}, "m3dfel": {}, "mae_dfer": {"depth": 16}}


def _extra(config: RunConfig, line: list[str]) -> list[str]:
    given = {option.partition("=")[0] for option in line if option.startswith("--")}
    merged = {**DEFAULTS[config.model], **config.upstream_options}
    for name in merged:
        if f"--{name}" in given:
            raise ManifestError(
                f"upstream_options.{config.model}.{name}: is set from the recipe or by the harness; take it out"
            )
    return [part for name, value in merged.items() for part in (f"--{name}", str(value))]


def _check_possible(config: RunConfig) -> None:
    wanted, fixed = _flat(config.recipe), _flat(load_model(config.model).recipe["full"])
    for key, value in wanted.items():
        if value != fixed[key] and key not in OPTIONS[config.model] and key not in OURS_ALONE:
            raise ManifestError(
                f"{config.model} with engine upstream: recipe.{key} is {value}, the upstream's code has {fixed[key]} "
                "and no option for it; take the override out"
            )
    if config.precision != "fp32":
        raise ManifestError(f"precision {config.precision}: the upstreams' scripts have no option for it; take fp32")
    if config.model == "mae_dfer" and min(config.recipe.sampling.test_segments, config.recipe.sampling.test_crops) < 2:
        raise ManifestError(
            "mae_dfer with engine upstream: its loader divides by test views less one; take two or more"
        )


def _plain(key: str, value: Any) -> Any:
    if value is None:
        raise ManifestError(f"recipe.{key} is not set: the upstream's script always has one; give it a value")
    if key in WHOLE and value != int(value):
        raise ManifestError(f"recipe.{key} is {value}: the upstreams' scripts take whole numbers here; round it")
    return int(value) if key in WHOLE else value


def _flat(recipe: Recipe) -> dict[str, Any]:
    return _flatten(recipe.model_dump(mode="json"))


def _flatten(data: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in data.items():
        flat |= _flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {prefix + key: value}
    return flat
