"""The process in which a native model meets its upstream; `verify_native` starts it.

python -P -m harness.upstream.native_worker NAME UPSTREAM_DIR ANSWER.json
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from math import prod
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from harness.analysis import flops
from harness.engine.parent import end_with_input
from harness.errors import HarnessError
from harness.models import Config, configuration
from harness.upstream.child import refuse_network
from harness.upstream.namemap import to_upstream
from harness.upstream.native_pair import Answer, Pair, difference, nudged, probe, relative
from harness.upstream.native_steps import loss_checks, optimizer_checks
from harness.upstream.reference import Reference, reference
from harness.upstream.verify_native import Check

OUTPUT_LIMIT, GRADIENT_LIMIT = 1e-5, 1e-4
NUDGE = 1e-7  # relative; about the spacing of float32
# What is run in float64, where it would take many minutes at full size: the same weights on smaller clips.
SMALL: dict[str, dict[str, Any]] = {"m3dfel": {"pixels": 32}, "former_dfer": {}, "mae_dfer": {"frames": 4}}


def checks(name: str, theirs: Reference) -> list[Check]:
    """Everything that `verify_native` asks, in the order of the table."""
    full = configuration(name, "full")
    small: Config = replace(full, **SMALL[name])
    pair = Pair(name, theirs, full)
    size = [*_size_checks(pair), _map_check(pair)]
    exact = pair if small == full else Pair(name, theirs, small)
    in_fp64 = {training: _gradients_fp64(exact, training) for training in (False, True)}
    outputs = [check for training in (False, True) for check in _output_checks(pair, training, in_fp64[training])]
    return [*size, *outputs, *optimizer_checks(exact), *loss_checks(exact)]


def _size_checks(pair: Pair) -> list[Check]:
    """Parameters, and the multiply-adds of one clip in inference."""
    ours, theirs = (sum(p.numel() for p in model.parameters()) for model in (pair.native, pair.upstream))
    clip_BTCHW = probe(pair.config).clip_BTCHW[:1]
    with patch.dict(flops.HANDLERS, {"aten::einsum": _count_einsum}):
        own = flops.count(pair.native.eval(), (clip_BTCHW,)).total
        given = flops.count(pair.upstream.eval(), (pair.reference.layout(clip_BTCHW),)).total
    return [
        Check(pair.name, "parameters", 0, abs(ours - theirs), ours == theirs, f"{theirs:,}"),
        Check(pair.name, "multiply-adds of a clip", 0, abs(own - given), own == given, f"{given:,}"),
    ]


def _count_einsum(inputs: list[Any], outputs: list[Any]) -> int:
    """The product of all axes. fvcore's own handler reads the figure off a text that is rounded to four digits."""
    equation, operands = inputs[0].toIValue().replace(" ", ""), inputs[1].node().inputs()
    sizes: dict[str, int] = {}
    for letters, operand in zip(equation.split("->")[0].split(","), operands, strict=True):
        sizes |= dict(zip(letters, flops.get_shape(operand), strict=True))
    return prod(sizes.values())


def _map_check(pair: Pair) -> Check:
    """The upstream's state_dict through the map and back: the same names, shapes and bits."""
    theirs, back = pair.upstream.state_dict(), to_upstream(pair.name, pair.native.state_dict())
    wrong = sorted(theirs.keys() ^ back.keys())
    wrong += [name for name in theirs.keys() & back.keys() if not torch.equal(theirs[name], back[name])]
    return Check(pair.name, "name map, there and back", 0, len(wrong), not wrong, f"{len(theirs)} tensors")


def _gradients_fp64(pair: Pair, training: bool) -> Check:
    asked = probe(pair.config)
    theirs = pair.ask_upstream(asked, training, torch.float64)
    ours = pair.ask_native(asked, training, torch.float64)
    worst, name = relative(ours.gradients, theirs.gradients)
    label = f"gradients, {_mode(training)}, fp64"
    note = f"{_size(pair.config)}; largest for {name}"
    return Check(pair.name, label, GRADIENT_LIMIT, worst, worst <= GRADIENT_LIMIT, note)


def _output_checks(pair: Pair, training: bool, in_fp64: Check) -> list[Check]:
    """fp32 at full size: logits, AU logits, gradients, and in training the running statistics behind the pass."""
    asked = probe(pair.config)
    theirs = pair.ask_upstream(asked, training, torch.float32)
    ours = pair.ask_native(asked, training, torch.float32)
    moved = relative(pair.ask_upstream(nudged(asked, NUDGE), training, torch.float32).gradients, theirs.gradients)[0]
    lines = [
        _output(pair, "logits", training, theirs.logits_BE, ours.logits_BE),
        _output(pair, "AU logits", training, theirs.au_logits_BA, ours.au_logits_BA),
        _gradients_fp32(pair, training, theirs, ours, moved, in_fp64),
        in_fp64,
    ]
    return lines + ([_statistics(pair, theirs, ours)] if training and theirs.buffers else [])


def _output(pair: Pair, what: str, training: bool, theirs: torch.Tensor, ours: torch.Tensor) -> Check:
    error = difference(ours, theirs)
    note = f"{_size(pair.config)}; values to {float(theirs.abs().max()):.2f}"
    return Check(pair.name, f"{what}, {_mode(training)}, fp32", OUTPUT_LIMIT, error, error <= OUTPUT_LIMIT, note)


def _gradients_fp32(pair: Pair, training: bool, theirs: Answer, ours: Answer, moved: float, in_fp64: Check) -> Check:
    """Where the upstream's own fp32 gradient moves further than the limit under a nudge of one part in ten million of
    its input, and the native one stays within that, fp32 cannot decide and fp64 does; the note then says so.
    """
    worst, name = relative(ours.gradients, theirs.gradients)
    note = f"{_size(pair.config)}; largest for {name}; upstream's own under a nudge of {NUDGE:.0e}: {moved:.1e}"
    passed = worst <= GRADIENT_LIMIT
    if not passed and worst <= moved:
        passed = in_fp64.passed
        note += "; fp32 cannot decide, fp64 does"
    return Check(pair.name, f"gradients, {_mode(training)}, fp32", GRADIENT_LIMIT, worst, passed, note)


def _statistics(pair: Pair, theirs: Answer, ours: Answer) -> Check:
    worst = max(difference(ours.buffers[name], value) for name, value in theirs.buffers.items())
    label = "running statistics behind a pass, train, fp32"
    return Check(pair.name, label, OUTPUT_LIMIT, worst, worst <= OUTPUT_LIMIT, f"{len(theirs.buffers)} tensors")


def _mode(training: bool) -> str:
    return "train" if training else "eval"


def _size(config: Config) -> str:
    return f"{config.frames} x {config.pixels} x {config.pixels}"


def main(arguments: list[str]) -> int:
    name, folder, answer = arguments
    end_with_input()
    refuse_network()
    try:
        lines = checks(name, reference(name, Path(folder)))
    except HarnessError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    Path(answer).write_text(json.dumps([asdict(line) for line in lines]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
