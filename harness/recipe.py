"""How a model is trained: input, sampling, augmentation, optimiser and schedule, as typed manifests."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

Share = Annotated[float, Field(ge=0.0, le=1.0)]


def _one_folder(name: str) -> str:
    if name in ("", ".", "..") or len(name) > 100 or not name.isprintable() or {"/", "\\"} & set(name):
        raise ValueError("the name of one folder: not empty, no / or \\, not . or ..")
    return name


def _folders(path: str) -> str:
    return "/".join(_one_folder(name) for name in path.split("/"))


FolderName = Annotated[str, AfterValidator(_one_folder)]
"""A name that becomes a folder: it leads nowhere else."""
FolderNames = Annotated[str, AfterValidator(_folders)]
"""Several such names with / between them."""


class Strict(BaseModel):
    """Base of every manifest: frozen, and an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Input(Strict):
    """The clip a model is given: frames, pixels, and the normalisation of its channels."""

    frames: int = Field(gt=0)
    size: int = Field(gt=0)
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


class Sampling(Strict):
    """Which frames of a clip are taken; the rules are named after the upstream they come from (data/sampling.py)."""

    rule: Literal["m3dfel", "former_dfer", "mae_dfer"]
    stride: int = Field(default=4, gt=0)
    jitter: Literal["upstream", "segment"] = "upstream"
    test: Literal["centre", "upstream"] = "centre"
    test_segments: int = Field(default=1, gt=0)
    test_crops: int = Field(default=1, gt=0)


class Jitter(Strict):
    """Colour jitter: each factor is drawn from 1 - x to 1 + x, the hue shift from -x to x turns."""

    brightness: float = Field(default=0.0, ge=0.0)
    contrast: float = Field(default=0.0, ge=0.0)
    saturation: float = Field(default=0.0, ge=0.0)
    hue: float = Field(default=0.0, ge=0.0, le=0.5)


class Augmentation(Strict):
    """Training augmentation; one draw a clip, the same for all its frames.

    crop_antialias: shrink crops as Pillow does; without, as PyTorch's interpolation of tensors does.
    """

    crop_area: tuple[Share, Share] = (1.0, 1.0)
    crop_aspect: tuple[float, float] = (0.75, 4 / 3)
    crop_antialias: bool = True
    flip: Share = 0.0
    jitter: Jitter = Jitter()
    rand_augment: str | None = None
    erasing: Share = 0.0
    mixup: float = Field(default=0.0, ge=0.0)
    cutmix: float = Field(default=0.0, ge=0.0)


class Optimizer(Strict):
    """Optimiser and its parameter groups. With `reference_batch`, lr is multiplied by batch / reference_batch."""

    name: Literal["adamw", "sgd"]
    lr: float = Field(gt=0.0)
    reference_batch: int | None = None
    weight_decay: float = Field(default=0.0, ge=0.0)
    decay_norm_and_bias: bool = True
    layer_decay: float = Field(default=1.0, gt=0.0, le=1.0)
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    momentum: float = 0.0
    clip_norm: float | None = None


class Schedule(Strict):
    """Learning rate over the run (engine/schedule.py has the formulas)."""

    name: Literal["cosine", "cosine-after-warmup", "step", "constant"]
    warmup_epochs: float = Field(default=0.0, ge=0.0)
    min_lr: float = Field(default=0.0, ge=0.0)
    step_epochs: int = Field(default=1, gt=0)
    gamma: float = 1.0
    lag: int = Field(default=0, ge=0)


class Recipe(Strict):
    """Everything that decides how a model is trained.

    compile: torch.compile's mode for the training step; the last two capture CUDA graphs. gradient_checkpointing: keep
    fewer activations and compute them again (engine/recompute.py); one or the other. Both are left out of what is
    written at their default, so that runs of before they existed keep their names.
    """

    batch: int = Field(gt=1)
    epochs: int = Field(gt=0)
    pack_size: int = Field(gt=0)
    label_smoothing: Share = 0.0
    input: Input
    sampling: Sampling
    augmentation: Augmentation
    optimizer: Optimizer
    schedule: Schedule
    compile: Literal["off", "default", "reduce-overhead", "max-autotune"] = "off"
    gradient_checkpointing: bool = False

    @model_serializer(mode="wrap")
    def _without_later_defaults(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Keys that came later are written only where they are not at their default."""
        later = {"compile": "off", "gradient_checkpointing": False}
        return {key: value for key, value in handler(self).items() if key not in later or value != later[key]}

    @model_validator(mode="after")
    def _compiled_or_checkpointed(self) -> Recipe:
        if self.compile != "off" and self.gradient_checkpointing:
            raise ValueError("compile and gradient_checkpointing exclude one another; leave one at its default")
        return self

    @model_validator(mode="after")
    def _pack_covers_input(self) -> Recipe:
        if self.pack_size < self.input.size:
            raise ValueError(f"pack_size {self.pack_size} is smaller than input.size {self.input.size}")
        return self
