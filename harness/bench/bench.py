"""`audfer bench` as a whole: what each part needs, a process for each part of each model, and the lines of all."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.bench import criterion
from harness.bench.ask import DEFAULT_ROUNDS, PARTS, Ask, Compile, Part
from harness.bench.lines import Line, line_of
from harness.bench.machine import facts
from harness.bench.subjects import config_of
from harness.bench.timing import Clock
from harness.data.prepare import Prepared, prepare
from harness.data.rendered.dataset import render_dfew
from harness.engine.device import best_precision, check_device
from harness.errors import HarnessError, ManifestError
from harness.manifest import Precision, Render, Scale, load_dataset, load_experiment, load_model
from harness.models import MODELS
from harness.runs.experiment import dfew_shares, rendered_root
from harness.upstream.child import variables
from harness.upstream.fetch import fetch
from harness.upstream.manifest import UpstreamManifest, load_upstream
from harness.upstream.source import find_source
from harness.upstream.tree import export, inspect

FACES = {"full": Render(clips=40, size=224), "demo": Render(clips=40, size=64)}
# Clips of a step: on two cores a clip of a large model takes seconds; on a GPU the recipe's own batch, up to this.
BATCH = {"full": 2, "demo": 16}
MOST_ON_GPU = 128

Told = Callable[[str], None]


@dataclass(frozen=True)
class Wanted:
    """What is to be measured. `precision`, `batch`: None for the best of the device, and for one that fits it."""

    device: str = "cpu"
    models: tuple[str, ...] = ()
    scale: Scale = "full"
    parts: tuple[Part, ...] = PARTS
    precision: Precision | None = None
    threads: int | None = None
    rounds: int = DEFAULT_ROUNDS
    seed: int = 0
    batch: int | None = None
    compile: Compile = "off"
    clock: Clock = "wall"
    cache: Path = Path("data")
    third_party: Path = Path("third_party")
    mirror: Path | None = None


@dataclass(frozen=True)
class Result:
    """The machine and its figures. `command` names what made them."""

    facts: dict[str, Any]
    scale: Scale
    rounds: int
    lines: list[Line] = field(default_factory=list)


Kept = Callable[[Result], object]


def bench(wanted: Wanted, told: Told = lambda _: None, kept: Kept = lambda _: None) -> Result:
    """Measure everything that is wanted; `told` hears what is under way, and `kept` is given what has been measured so
    far after each part of each model, for a whole bench takes most of an hour.

    Errors: HarnessError for a device that is not there, an unknown model or part, or an upstream whose clone is at
    fault. An upstream that is not there is none: the lines that need it say so.
    """
    wanted = _checked(wanted)
    precision = wanted.precision or best_precision(wanted.device)
    lines = criterion.measure(wanted.rounds, wanted.seed, wanted.clock) if "step" in wanted.parts else []
    found: dict[str, Any] = {}
    prepared, root = _faces(wanted, told) if set(wanted.parts) != {"step"} else ({}, Path())
    for model in wanted.models:
        with _upstream(model, wanted) as (tree, absent):
            for part in wanted.parts:
                ask = Ask(
                    part, model, wanted.scale, wanted.device, precision, wanted.threads, wanted.rounds, wanted.seed,
                    _batch(wanted, model), wanted.compile, wanted.clock, str(tree) if tree else None, absent,
                    str(prepared[_pack_size(model, wanted)].path) if prepared else "", str(root.resolve()), "",
                )  # fmt: skip
                told(f"{model}: {part}")
                lines += measured(ask)
                found = found or facts(config_of(ask))
                result = Result({**found, "clock": wanted.clock}, wanted.scale, wanted.rounds, [*lines])
                kept(result)
    return result


def measured(ask: Ask) -> list[Line]:
    """One part of one model, in a process of its own: the upstreams' modules share names, and memory starts anew."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work")
        work.mkdir()
        question, answer = Path(folder, "ask.json"), Path(folder, "answer.json")
        Ask(**{**vars(ask), "work": str(work)}).write(question)
        _work(ask, question, answer, work)
        return [line_of(line) for line in json.loads(answer.read_text(encoding="utf-8"))]


def _checked(wanted: Wanted) -> Wanted:
    check_device(wanted.device)
    if wanted.clock == "cpu" and (wanted.device != "cpu" or wanted.threads != 1):
        raise ManifestError("--clock cpu: counts one thread of a processor; give --device cpu --threads 1 with it")
    models = wanted.models or tuple(MODELS)
    for model in models:
        if model not in MODELS:
            raise ManifestError(f"model {model!r} is not known; known: {', '.join(MODELS)}")
    for part in wanted.parts:
        if part not in PARTS:
            raise ManifestError(f"part {part!r} is not known; known: {', '.join(PARTS)}")
    return Wanted(**{**vars(wanted), "models": models})


def _batch(wanted: Wanted, model: str) -> int:
    if wanted.batch:
        return wanted.batch
    if wanted.device == "cpu":
        return BATCH[wanted.scale]
    return min(MOST_ON_GPU, load_model(model).recipe[wanted.scale].batch)


def _pack_size(model: str, wanted: Wanted) -> int:
    return load_model(model).recipe[wanted.scale].pack_size


def _faces(wanted: Wanted, told: Told) -> tuple[dict[int, Prepared], Path]:
    """Rendered faces, made once in the cache, and packed at the size of each model."""
    experiment = load_experiment("demo").model_copy(update={"render": FACES[wanted.scale]})
    root, render = rendered_root(experiment, wanted.cache), FACES[wanted.scale]
    cores = len(os.sched_getaffinity(0))
    told(f"rendered faces: {root}")
    render_dfew(root, dfew_shares(), clips=render.clips, size=render.size, seed=render.seed, workers=cores)
    packs, manifest = wanted.cache / "packs", load_dataset("rendered")
    sizes = {_pack_size(model, wanted) for model in wanted.models}
    return {size: prepare(manifest, root, size, packs, workers=cores) for size in sorted(sizes)}, root


@contextmanager
def _upstream(model: str, wanted: Wanted) -> Iterator[tuple[Path | None, str]]:
    """A tree of the upstream's pinned commit, from its clone or from the mirror; or None, and why there is none."""
    if wanted.scale != "full":
        yield None, "the upstream has no such scale"
        return
    manifest = load_upstream(model)
    with tempfile.TemporaryDirectory() as folder:
        clones = _clones(manifest, wanted, Path(folder))
        if clones is None:
            yield None, f"no upstream here: audfer upstream fetch {model}, or set AUDFER_MIRROR"
        else:
            yield export(manifest, clones, Path(folder, "tree"), patched=False), ""


def _clones(manifest: UpstreamManifest, wanted: Wanted, folder: Path) -> Path | None:
    """The folder that holds the upstream's clone; nothing is fetched from the network unasked."""
    if inspect(manifest, wanted.third_party).status != "absent":
        return wanted.third_party
    if wanted.mirror is None:
        return None
    fetch(manifest, find_source(manifest, wanted.mirror), folder)
    return folder


def _work(ask: Ask, question: Path, answer: Path, work: Path) -> None:
    command = [sys.executable, "-P", "-m", "harness.bench.worker", str(question), str(answer)]
    # The worker ends when its standard input does, which this process holds open.
    read, write = os.pipe()
    try:
        done = subprocess.run(
            command, cwd=work, env=variables(os.environ, work), stdin=read, capture_output=True, text=True
        )
    finally:
        os.close(read)
        os.close(write)
    if done.returncode or not answer.is_file():
        said = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
        raise HarnessError(
            f"{ask.model}, {ask.part}: could not be measured ({said[-1]}); try --batch 2, or other parts"
        )
