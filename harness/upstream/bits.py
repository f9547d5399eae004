"""At an AU ratio of 0 the patched upstream trains as the unpatched one: the losses of its first steps, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from harness.errors import RunError
from harness.manifest import AUArm, ClipsPerClass, RunConfig, load_dataset, load_model
from harness.recipe import Recipe
from harness.upstream.clips import read_run_data
from harness.upstream.manifest import load_upstream
from harness.upstream.process import start
from harness.upstream.run import make_job, prepare_work
from harness.upstream.tree import THIRD_PARTY

STEPS = 6  # two epochs of small_run, with a whole evaluation between them
# As small as each script's own options allow: the rest is fixed in its code.
SMALL: dict[str, dict[str, object]] = {
    "former_dfer": {},
    "m3dfel": {"input": {"frames": 8, "size": 32}, "schedule": {"warmup_epochs": 1}},
    "mae_dfer": {"input": {"frames": 4}, "sampling": {"stride": 1}, "schedule": {"warmup_epochs": 1}},
}
SMALL_OPTIONS: dict[str, dict[str, str | int | float]] = {
    "former_dfer": {"workers": 1},
    "m3dfel": {"workers": 1},
    "mae_dfer": {"depth": 2, "num_workers": 1},
}


@dataclass(frozen=True)
class Steps:
    """Losses of the first steps as exact hexadecimal numbers, by the unpatched and by the patched tree."""

    upstream: str
    unpatched: tuple[str, ...]
    patched: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Every loss is the same to the last bit."""
        return self.unpatched == self.patched


def compare(upstream: str, root: Path, folder: Path, steps: int = STEPS, third_party: Path = THIRD_PARTY) -> Steps:
    """The first optimiser steps of both trees on the rendered faces at `root`, below the folder `folder`.

    The patched tree runs an AU arm of ratio 0: the head is there and in the optimiser, and takes no part. Errors: those
    of a run.
    """
    config = small_run(upstream, root, ratio=0.0)
    unpatched = step_losses(config, root, folder / "unpatched", steps, patched=False, third_party=third_party)
    patched = step_losses(config, root, folder / "patched", steps, patched=True, third_party=third_party)
    return Steps(upstream, unpatched, patched)


def step_losses(
    config: RunConfig, root: Path, work: Path, steps: int, *, patched: bool, third_party: Path = THIRD_PARTY
) -> tuple[str, ...]:
    """Losses of the first steps as `backward` meets them, as hexadecimal numbers, from random initial weights."""
    manifest = load_upstream(config.model)
    job = make_job(config, manifest, work, None).model_copy(update={"steps": steps})
    clips = prepare_work(config, manifest, root, job, third_party, patched=patched)
    for _ in start(job, clips, work / "log.txt"):
        pass
    found = work / "losses.txt"
    if not found.is_file():
        raise RunError(f"{work / 'log.txt'}: {job.entry} ended before step {steps}; see this file")
    return tuple(found.read_text(encoding="utf-8").split())


def small_run(upstream: str, root: Path, *, ratio: float, epochs: int = 2) -> RunConfig:
    """An AU arm of a minute at most on the CPU: one clip of each class to train and one to test, two clips a step."""
    recipe = load_model(upstream).recipe["full"].model_dump()
    for key, value in {**SMALL[upstream], "batch": 2, "epochs": epochs}.items():
        recipe[key] = {**recipe[key], **value} if isinstance(value, dict) else value
    few = ClipsPerClass(train=1, test=1)
    manifest = load_dataset("rendered")
    return RunConfig(
        experiment="small",
        dataset=read_run_data(manifest, root, 1, few),
        model=upstream,
        scale="full",
        arm="au-minor",
        fold=1,
        folds=manifest.folds,
        seed=0,
        engine="upstream",
        threads=1,
        selection=("last", "best-on-test"),
        au=AUArm(strategy="minor", ratio=ratio),
        recipe=Recipe.model_validate(recipe),
        clips_per_class=few,
        upstream_options=SMALL_OPTIONS[upstream],
    )
