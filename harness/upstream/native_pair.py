"""An upstream's model and the native one with the same weights, asked the same questions.

Shape letters: B batch, T frames, C channels, H W pixels, E expressions, A action units.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from harness.au.head import AUHead
from harness.au.knowledge import load_knowledge
from harness.au.loss import AULoss, combine
from harness.au.pos_weight import load_released
from harness.au.units import NUM_EXPRESSIONS, NUM_UNITS
from harness.manifest import manifests_dir
from harness.models import MODELS, Config
from harness.upstream.namemap import to_native, to_upstream
from harness.upstream.reference import Reference

AU_RATIO = 0.25
CLIPS = 2


@dataclass(frozen=True)
class Probe:
    """Fixed inputs of a comparison: clips, expressions (B,), AU labels (B, A)."""

    clip_BTCHW: Tensor
    expression_B: Tensor
    au_label_BA: Tensor


@dataclass(frozen=True)
class Answer:
    """What a model gives for a probe: logits, AU logits, the gradients of Eq. 10, and its buffers behind the pass."""

    logits_BE: Tensor
    au_logits_BA: Tensor
    gradients: dict[str, Tensor]
    buffers: dict[str, Tensor]


class Pair:
    """Both models at one configuration, with weights drawn by the upstream's own rules and then shaken.

    `drawn` are the upstream's initial weights and `start` the shaken ones, both by native name.
    """

    def __init__(self, name: str, theirs: Reference, config: Config) -> None:
        self.name, self.reference, self.config = name, theirs, config
        torch.manual_seed(0)
        self.upstream = theirs.build(config.frames)
        self.native: nn.Module = MODELS[name](config)  # type: ignore[arg-type]  # each model's own kind of config
        self.drawn = to_native(name, self.upstream.state_dict(), self.native.state_dict())
        self.start = shaken(self.drawn)
        self.native.load_state_dict(self.start)
        self.upstream.load_state_dict(to_upstream(name, self.start))

    def ask_upstream(self, probe: Probe, training: bool, dtype: torch.dtype) -> Answer:
        """The upstream's answer, by native names."""
        probe = replace(probe, clip_BTCHW=self.reference.layout(probe.clip_BTCHW))
        answer = ask(self.upstream, self.reference.classifier, probe, training, dtype)
        named = self.native.state_dict()
        gradients = to_native(self.name, answer.gradients, named)
        return replace(answer, gradients=gradients, buffers=to_native(self.name, answer.buffers, named))

    def ask_native(self, probe: Probe, training: bool, dtype: torch.dtype) -> Answer:
        return ask(self.native, "classifier", probe, training, dtype)


def probe(config: Config) -> Probe:
    """Two random clips, of the size that the configuration asks for."""
    generator = torch.Generator().manual_seed(1)
    clip_BTCHW = torch.rand((CLIPS, config.frames, 3, config.pixels, config.pixels), generator=generator)
    au_label_BA = torch.randint(0, 2, (CLIPS, NUM_UNITS), generator=generator).float()
    return Probe(clip_BTCHW, torch.arange(CLIPS) * 3 % NUM_EXPRESSIONS, au_label_BA)


def nudged(probe: Probe, by: float) -> Probe:
    """The probe with every pixel changed by a random share of it, of standard deviation `by`."""
    noise = torch.randn(probe.clip_BTCHW.shape, generator=torch.Generator().manual_seed(2))
    return replace(probe, clip_BTCHW=probe.clip_BTCHW * (1 + by * noise))


def shaken(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights at which every one of them matters: initial ones are 0 or 1 throughout biases, norms and statistics.

    MAE-DFER's classifier starts at almost nothing, which would hide everything behind it.
    """
    generator = torch.Generator().manual_seed(3)
    moved = {}
    for name, value in state.items():
        noise = torch.randn(value.shape, generator=generator)
        vector = value.dim() == 1 and value.is_floating_point()
        moved[name] = value + 0.1 * noise if vector else value.clone()
        if name == "classifier.weight":
            moved[name] = noise / value.shape[1] ** 0.5
    return moved


def ask(model: nn.Module, classifier: str, probe: Probe, training: bool, dtype: torch.dtype) -> Answer:
    """One forward and backward pass through a copy of `model` at `dtype`, with its AU head drawn from a fixed seed."""
    model = copy.deepcopy(model).to(dtype).train(training)
    head = AUHead(model, classifier)
    kept: list[Tensor] = []
    model.get_submodule(classifier).register_forward_pre_hook(lambda layer, inputs: kept.append(inputs[0]))
    torch.manual_seed(5)  # stochastic depth draws alike
    logits_BE = model(probe.clip_BTCHW.to(dtype))
    # The head itself keeps no feature in inference.
    au_logits_BA = head() if training else head.linear(kept[0])
    expression_loss = F.cross_entropy(logits_BE, probe.expression_B)
    combine(expression_loss, _au_loss()(au_logits_BA, probe.au_label_BA, probe.expression_B), AU_RATIO).backward()
    return Answer(
        logits_BE.detach(), au_logits_BA.detach(), _gradients(model), {k: v.detach() for k, v in model.named_buffers()}
    )


def difference(first: Tensor, second: Tensor) -> float:
    """The largest absolute difference."""
    return float((first.double() - second.double()).abs().max())


def relative(first: Mapping[str, Tensor], second: Mapping[str, Tensor]) -> tuple[float, str]:
    """The largest difference within a tensor over that tensor's largest value, of all tensors, and that one's name."""
    assert first.keys() == second.keys()
    worst = {
        name: difference(first[name], value) / max(float(value.abs().max()), 1e-30) for name, value in second.items()
    }
    name = max(worst, key=lambda name: worst[name])
    return worst[name], name


def _gradients(model: nn.Module) -> dict[str, Tensor]:
    found: dict[str, Any] = {name: parameter.grad for name, parameter in model.named_parameters()}
    silent = [name for name, gradient in found.items() if gradient is None]
    assert not silent, f"no gradient for {silent}"
    return found


def _au_loss() -> AULoss:
    folder = manifests_dir() / "knowledge"
    return AULoss(load_knowledge("fig4", folder), load_released(folder / "pos_weight_dfew.csv", "distinct"))
