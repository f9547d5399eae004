"""What stands above measured numbers: data set, engine, scale, folds, selection rules, seeds, machine, AU options."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.report.measured import RULES, Setting
from harness.runs.records import Run

RENDERED = "rendered faces (not DFEW)"
NOT_DFEW = "rendered faces, drawn by the harness; no number here is a result on DFEW."
ORACLE = "best-on-test"


def dataset_label(setting: Setting) -> str:
    """Title of a published data set; anything else is named so that no one takes it for one."""
    if setting.published:
        return setting.title
    return f"data laid out as {setting.title} (not the published {setting.title})" if setting.differs else RENDERED


def rule_label(rule: str) -> str:
    """The selection rule's name; the one that looks at the test fold is marked as an oracle."""
    return f"selection {rule} (*oracle*)" if rule == ORACLE else f"selection {rule}"


def plural(count: int, noun: str) -> str:
    """`1 seed`, `2 seeds`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def facts(setting: Setting) -> tuple[str, ...]:
    """The lines above a setting's tables; what differs between runs is listed, not chosen from."""
    runs = setting.runs
    return (
        _dataset(setting),
        f"Experiment {setting.experiment}, {setting.engine} engine, scale {setting.scale}, {plural(len(runs), 'run')}"
        f"{_borrowed(setting)}.",
        _folds(runs),
        f"Selection: {', '.join(rule_label(rule).removeprefix('selection ') for rule in _rules(runs))}.",
        f"Frames at test time: {_joined(_test_frames(run) for run in runs)}.",
        f"Machine: {_joined(_machine(run) for run in runs)}.",
        f"AU loss: {_joined(_au(run) for run in runs if run.config.au)}.",
        f"Harness: {_joined(_harness(run) for run in runs)}.",
    )


def _borrowed(setting: Setting) -> str:
    there = sorted({run.config.experiment for run in setting.borrowed})
    return f" and {plural(len(setting.borrowed), 'baseline')} of {', '.join(there)}" if there else ""


def _dataset(setting: Setting) -> str:
    runs = setting.runs
    clips = sorted({(run.config.fold, run.config.dataset.clips.get("test", 0)) for run in runs})
    tests = ", ".join(f"{count} (fold {fold})" for fold, count in clips)
    return f"Data set {setting.dataset}: {_what(setting)} Test clips: {tests}."


def _what(setting: Setting) -> str:
    if setting.published:
        return f"{setting.title}."
    if setting.differs:
        title = setting.title
        return f"laid out as {title}, but not it: {setting.differs}; no number here is a result on {title}."
    return NOT_DFEW


def _test_frames(run: Run) -> str:
    """How a model's test frames were chosen; the one random rule is said to be random."""
    model, sampling = run.config.model, run.config.recipe.sampling
    if sampling.rule == "m3dfel":
        upstream = sampling.test == "upstream" or run.config.engine == "upstream"
        return f"{model} {'drawn at random, as its upstream does' if upstream else 'the centre of each segment'}"
    if sampling.rule == "mae_dfer":
        return f"{model} {plural(sampling.test_segments, 'window')} at a stride of {sampling.stride}"
    return f"{model} the centre of each segment"


def _folds(runs: Sequence[Run]) -> str:
    folds, seeds = sorted({run.config.fold for run in runs}), sorted({run.config.seed for run in runs})
    protocol = runs[0].config.folds
    listed = f"folds {_listed(folds)}" if len(folds) > 1 else f"fold {folds[0]}"
    return f"Finished: {listed} of {protocol}; {plural(len(seeds), 'seed')} ({_listed(seeds)})."


def _rules(runs: Sequence[Run]) -> list[str]:
    named = {rule for run in runs for rule in run.config.selection}
    return [rule for rule in RULES if rule in named]


def _machine(run: Run) -> str:
    environment, device = run.environment, run.config.device.partition(":")[0]
    return f"{device}, {environment['device_name']}, torch {environment['torch']}, {environment['precision']}"


def _au(run: Run) -> str:
    au = run.config.au
    assert au is not None
    sure = f" tracked with {au.min_confidence:g} or more" if au.min_confidence else ""
    options = f"knowledge {au.knowledge}, pos_weight {au.pos_weight}, AU labels from {au.label_frames} frames{sure}"
    lacking = f", without {', '.join(au.lacking)}, which the AU files lack" if au.lacking else ""
    return f"ratio {au.ratio:g}, {options}, {au.reduction} over AUs{lacking}"


def _harness(run: Run) -> str:
    harness = run.environment["harness"]
    commit = harness.get("commit")
    state = f"commit {commit[:12]}{', with changes' if harness.get('dirty') else ''}" if commit else "no checkout"
    return f"{harness.get('version')} ({state})"


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def _joined(texts: Iterable[str]) -> str:
    return "; ".join(sorted(set(texts))) or "none"
