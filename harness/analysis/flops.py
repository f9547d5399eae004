"""Multiply-adds of a model by fvcore, and the check that the AU arm costs nothing at inference.

One fused multiply-add counts 1 (fvcore's convention; torch's FlopCounterMode counts 2). fvcore gives no count for an
LSTM or for scaled_dot_product_attention: the handlers here count both, and every report keeps the two figures apart.

Shape letters: B batch, T frames, C channels, H W pixels, E expressions, A action units.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from math import prod
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from harness.au.head import AUHead
from harness.au.units import NUM_UNITS
from harness.errors import CheckFailed
from harness.models import MODELS, build, input_shape

with warnings.catch_warnings():
    # fvcore scripts a function of its own at import, which PyTorch has deprecated.
    warnings.simplefilter("ignore", DeprecationWarning)
    from fvcore.nn import FlopCountAnalysis
    from fvcore.nn.jit_handles import get_shape

# What may go uncounted: at most a few operations per element, or none at all. Anything else needs a handler.
ELEMENTWISE = frozenset(
    f"aten::{name}"
    for name in (
        *("add", "add_", "sub", "sub_", "mul", "mul_", "div", "div_", "pow", "sqrt", "rsqrt", "exp", "tanh", "sigmoid"),
        *("softmax", "gelu", "silu", "hardtanh", "mean", "sum", "var", "bernoulli_"),
        *("max_pool2d", "max_pool3d", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool3d", "adaptive_max_pool2d"),
        *("clone", "stack", "unflatten", "repeat", "new_empty", "zeros_like", "ones_like", "fill_", "copy_", "pad"),
    )
)


@dataclass(frozen=True)
class FlopReport:
    """Multiply-adds of one forward pass. `total` is with this module's handlers, `total_known` by fvcore's alone.

    `unsupported` counts the calls of uncounted operators, all of them elementwise; `uncalled` names modules not run.
    """

    total: int
    total_known: int
    per_operator: dict[str, int]
    unsupported: dict[str, int]
    uncalled: frozenset[str]


@dataclass(frozen=True)
class FlopComparison:
    """Baseline and AU arm of one model. `head_multiply_adds` is what the AU head may add in training, features x 18."""

    model: str
    scale: str
    baseline_parameters: int
    au_parameters: int
    head_multiply_adds: int
    inference_baseline: FlopReport
    inference_au: FlopReport
    training_baseline: FlopReport
    training_au: FlopReport

    @property
    def inference_equal(self) -> bool:
        """Equal in total, per operator, in unsupported operators and in uncalled modules."""
        return self.inference_au == self.inference_baseline

    @property
    def training_equal_but_head(self) -> bool:
        """In training the AU arm differs by the head's one linear layer, to the multiply-add, and by nothing else."""
        added = dict(self.training_baseline.per_operator)
        added["linear"] = added.get("linear", 0) + self.head_multiply_adds
        rest = ("unsupported", "uncalled")
        return self.training_au.per_operator == added and all(
            getattr(self.training_au, name) == getattr(self.training_baseline, name) for name in rest
        )

    @property
    def passed(self) -> bool:
        return self.inference_equal and self.training_equal_but_head


def compare(model_name: str, scale: str = "full") -> FlopComparison:
    """Counts one clip through baseline and AU arm, in inference and in training.

    Raises ManifestError for an unknown model or scale, CheckFailed for an operator that nothing counts.
    """
    clip_BTCHW = torch.zeros(1, *input_shape(model_name, scale))
    model = _without_values(model_name, scale)
    inference_baseline, training_baseline = (count(model.train(mode), (clip_BTCHW,)) for mode in (False, True))
    head = AUHead(model)
    features = head.linear.in_features
    # The arm is the model with the head's hook on it; the head itself runs in training only.
    inference_au = count(model.eval(), (clip_BTCHW,))
    training_au = count(_TrainingArm(model, head).train(), (clip_BTCHW,))
    return FlopComparison(
        model_name,
        scale,
        baseline_parameters=_parameters(model),
        au_parameters=_parameters(model) + _parameters(head),
        head_multiply_adds=features * NUM_UNITS,
        inference_baseline=inference_baseline,
        inference_au=inference_au,
        training_baseline=training_baseline,
        training_au=training_au,
    )


def count(module: nn.Module, inputs: tuple[Tensor, ...]) -> FlopReport:
    """Multiply-adds of `module(*inputs)`, in the mode (train or eval) the module is in.

    Traces one forward pass; in train mode that moves running statistics as any forward pass does. Raises CheckFailed,
    naming them, if operators ran that nothing counts and that are not elementwise.
    """
    analysis = FlopCountAnalysis(module, inputs).set_op_handle(**HANDLERS)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # PyTorch has deprecated the tracer that fvcore uses
        per_operator = {name: round(number) for name, number in sorted(analysis.by_operator().items())}
    unsupported = dict(sorted(analysis.unsupported_ops().items()))
    _refuse_uncounted(type(module).__name__, unsupported)
    ours = {name.removeprefix("aten::") for name in HANDLERS}
    return FlopReport(
        total=sum(per_operator.values()),
        total_known=sum(number for name, number in per_operator.items() if name not in ours),
        per_operator=per_operator,
        unsupported=unsupported,
        uncalled=frozenset(analysis.uncalled_modules()),
    )


def inference_multiply_adds(models: Collection[tuple[str, str]]) -> dict[tuple[str, str], int]:
    """Multiply-adds of one clip at inference by (model, scale), for those that are native models."""
    found = {}
    for name, scale in models:
        if name in MODELS:
            clip_BTCHW = torch.zeros(1, *input_shape(name, scale))
            found[name, scale] = count(_without_values(name, scale).eval(), (clip_BTCHW,)).total
    return found


def comparison_rows(comparison: FlopComparison) -> list[dict[str, Any]]:
    """Four rows of a table: inference and training, each for baseline and AU arm. `equal` is the check's answer.

    In training `equal` means equal but for the AU head, to the multiply-add.
    """
    return [
        *_mode_rows(comparison, "inference", comparison.inference_baseline, comparison.inference_au),
        *_mode_rows(comparison, "training", comparison.training_baseline, comparison.training_au),
    ]


def comparison_lines(model_names: Iterable[str] = (), scale: str = "full") -> list[dict[str, Any]]:
    """The rows of every named model (default: all of them) at one scale."""
    return [row for name in (list(model_names) or MODELS) for row in comparison_rows(compare(name, scale))]


def comparison_json(comparison: FlopComparison) -> dict[str, Any]:
    """The comparison as plain dicts, lists and numbers."""
    plain = asdict(comparison)
    for report in plain.values():
        if isinstance(report, dict):
            report["uncalled"] = sorted(report["uncalled"])
    return plain | {
        "inference_equal": comparison.inference_equal,
        "training_equal_but_head": comparison.training_equal_but_head,
    }


def _mode_rows(
    comparison: FlopComparison, mode: Literal["inference", "training"], baseline: FlopReport, au: FlopReport
) -> list[dict[str, Any]]:
    training = mode == "training"
    equal = comparison.training_equal_but_head if training else comparison.inference_equal
    baseline_parameters = comparison.baseline_parameters
    parameters = (baseline_parameters, comparison.au_parameters if training else baseline_parameters)
    return [
        {
            "model": comparison.model,
            "scale": comparison.scale,
            "mode": mode,
            "arm": arm,
            "parameters": number,
            "multiply_adds_fvcore": report.total_known,
            "multiply_adds": report.total,
            "added": report.total - baseline.total,
            "equal": equal,
        }
        for arm, number, report in zip(("baseline", "au"), parameters, (baseline, au), strict=True)
    ]


class _TrainingArm(nn.Module):
    """One training forward pass of the AU arm: the model, then its AU head on the feature kept."""

    def __init__(self, model: nn.Module, head: AUHead) -> None:
        super().__init__()
        self.model, self.head = model, head

    def forward(self, clip_BTCHW: Tensor) -> tuple[Tensor, Tensor]:
        logits_BE = self.model(clip_BTCHW)
        return logits_BE, self.head()


def shapes(model_name: str, scale: str) -> nn.Module:
    """The model on the meta device: parameters of their shapes, without memory or values.

    Raises ManifestError for an unknown model or scale.
    """
    with torch.device("meta"), _Undrawn():
        return build(model_name, scale)


class _Undrawn(TorchFunctionMode):
    """Nothing is drawn, and ranges lie on the CPU: for either on the meta device PyTorch imports its whole compiler."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if func in (Tensor.normal_, Tensor.uniform_):
            return args[0]
        given = dict(kwargs or {})
        return func(*args, **given | ({"device": "cpu"} if func is torch.arange else {}))


def _without_values(model_name: str, scale: str) -> nn.Module:
    """The model with uninitialised parameters: counting needs their shapes, and drawing them takes the longest."""
    return shapes(model_name, scale).to_empty(device="cpu")


def _refuse_uncounted(module: str, unsupported: dict[str, int]) -> None:
    uncounted = sorted(set(unsupported) - ELEMENTWISE)
    if uncounted:
        raise CheckFailed(
            f"multiply-adds of {module}: nothing counts {', '.join(uncounted)}; "
            "give each a handler in harness/analysis/flops.py"
        )


def _parameters(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _count_lstm(inputs: list[Any], outputs: list[Any]) -> int:
    """Four gates a step, each hidden x (input + hidden), per direction and layer; upper layers read all directions."""
    input_BTI, state, _, _, layers, _, _, bidirectional, *_ = inputs
    _, cell_LBD = state.node().inputs()
    batch_steps, width = prod(get_shape(input_BTI)[:2]), get_shape(input_BTI)[-1]
    hidden, directions = get_shape(cell_LBD)[-1], 2 if bidirectional.toIValue() else 1
    if get_shape(outputs[0])[-1] != directions * hidden:
        raise CheckFailed("multiply-adds of an LSTM with proj_size are not counted; build it without a projection")
    widths = [width] + [directions * hidden] * (layers.toIValue() - 1)
    return sum(batch_steps * directions * 4 * hidden * (into + hidden) for into in widths)


def _count_attention(inputs: list[Any], outputs: list[Any]) -> int:
    """Q K^T and A V: batch x heads x queries x keys x (width of a key + width of a value)."""
    query, key, value = (get_shape(tensor) for tensor in inputs[:3])
    return prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


HANDLERS = {"aten::lstm": _count_lstm, "aten::scaled_dot_product_attention": _count_attention}
