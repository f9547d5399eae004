"""Is a report still what it was? Two summaries compared. Pure functions.

Exact: parameters, multiply-adds, upstream and patch ids, data, table structure, and on which clips a score stands.
Within a band: WAR and UAR, in both directions, for a baseline arm that rises changes the paper's claim as much as one
that falls. As a ratio, on the same device only: clips per second. What is missing, unfinished or not finite fails.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal, TypeVar

from harness.analysis.summary import REMEDY, Band, Bands, GridShape, RunFacts, Score, SettingFacts, Summary
from harness.au.units import EXPRESSIONS
from harness.errors import DataError

Verdict = Literal["same", "within", "failed", "vanished", "appeared", "warning", "note", "skipped"]
MIN_SPEED = 0.5  # of the baseline's clips per second: below it a run has regressed
WARN_SPEED = 0.8  # below it the report warns
ROUNDING = 1e-12  # of two floats that are the same number of clips apart
NO_BAND = "band unknown: the baseline has one control report, so only the same number passes"
V = TypeVar("V")


@dataclass(frozen=True)
class Check:
    """One thing compared. group: runs, exact, scores, speed or notes."""

    group: str
    name: str
    verdict: Verdict
    before: str = ""
    after: str = ""
    why: str = ""

    @property
    def failed(self) -> bool:
        """Whether it makes the candidate a regression."""
        return self.verdict in ("failed", "vanished")


def compare(baseline: Summary, candidate: Summary, min_speed: float = MIN_SPEED) -> list[Check]:
    """All checks of `candidate` against `baseline`. DataError if the baseline itself is no whole set of runs."""
    refuse_broken(baseline, "the baseline")
    return [
        *wholeness(candidate),
        *both("runs", _run_names(baseline), _run_names(candidate), _there),
        *exact_checks(baseline, candidate),
        *both("scores", scores(baseline), scores(candidate), _score_check(baseline.bands)),
        *both("speed", _speeds(baseline), _speeds(candidate), _speed_check(min_speed)),
        *_notes(baseline, candidate),
    ]


def passed(checks: Sequence[Check]) -> bool:
    """Whether anything was compared and nothing failed."""
    return bool(checks) and not any(check.failed for check in checks)


def refuse_broken(summary: Summary, what: str) -> None:
    """DataError if a run is missing or unfinished, or a number is not finite: nothing can be held to that."""
    broken = [check for check in wholeness(summary) if check.failed]
    if broken:
        raise DataError(f"{what}: {broken[0].name}: {broken[0].why}; a comparison needs whole runs, {REMEDY}")


def wholeness(summary: Summary) -> Iterator[Check]:
    """Every run that should be there is there and finished, and every number is finite."""
    for name in summary.unfinished:
        yield Check("runs", name, "failed", "", "unfinished", "a run without DONE")
    for setting, facts in summary.settings.items():
        missing = [run for run in facts.expected if run not in facts.runs]
        for run in missing:
            yield Check("runs", f"{setting}: {run}", "failed", "", "missing", "its model, arm, fold and seed all occur")
        count = f"{len(facts.expected) - len(missing)} of {len(facts.expected)}"
        verdict: Verdict
        verdict, why = ("failed", "runs are missing") if missing else ("same", "")
        yield Check("runs", f"{setting}: finished runs", verdict, "", count, why)
        for where, what in _not_finite(facts):
            yield Check("runs", f"{setting}: {where}", "failed", "", what, "not a finite number")


def _not_finite(facts: SettingFacts) -> Iterator[tuple[str, str]]:
    for name, run in facts.runs.items():
        yield from ((name, text) for text in run.not_finite)
        if run.clips_per_second is not None and not math.isfinite(run.clips_per_second):
            yield name, "clips per second"
    for key, score in facts.scores.items():
        numbers = {"WAR": score.war, "UAR": score.uar, **dict(zip(EXPRESSIONS, score.accuracy, strict=True))}
        for metric, number in numbers.items():
            if number is not None and not math.isfinite(number):
                yield key, metric


def exact_checks(baseline: Summary, candidate: Summary) -> Iterator[Check]:
    """What must be equal to the letter: costs, pins, patches, data, and the tables' structure."""
    yield from both("exact", _facts(baseline), _facts(candidate), _equal("exact"))
    yield from both("exact", baseline.tables, candidate.tables, _grid_check)


def _run_names(summary: Summary) -> dict[str, str]:
    return {f"{setting}: {run}": "finished" for setting, facts in summary.settings.items() for run in facts.runs}


def _there(name: str, before: str, after: str) -> Sequence[Check]:
    return [Check("runs", name, "same", before, after)]


def _facts(summary: Summary) -> dict[str, str]:
    """Everything that must be equal to the letter, by name; what was not counted is not there."""
    found: dict[str, str] = {}
    for model, cost in summary.models.items():
        counted = {"parameters": cost.parameters, "multiply-adds": cost.multiply_adds}
        found |= {f"{model}: {name}": f"{number}" for name, number in counted.items() if number is not None}
    for name, ids in summary.upstreams.items():
        found |= {f"{name}: commit": ids.commit, f"{name}: tree": ids.tree, f"{name}: patched tree": ids.patched_tree}
        found |= {f"{name}: patch {file}": sha256 for file, sha256 in ids.patches.items()}
    for setting, facts in summary.settings.items():
        found |= {f"{setting}: data of {part}": fingerprint for part, fingerprint in facts.fingerprints.items()}
        for model, trees in _trees(facts).items():
            found[f"{setting}: patched tree of {model}"] = ", ".join(sorted(trees))
    return found


def _trees(facts: SettingFacts) -> dict[str, set[str]]:
    """Patched trees that the runs of the upstream engine executed, by model."""
    found: dict[str, set[str]] = defaultdict(set)
    for name, run in facts.runs.items():
        if run.upstream:
            found[name.partition("/")[0]].add(run.upstream)
    return found


def scores(summary: Summary) -> dict[str, Score]:
    """Scores of all settings, by `setting: model/arm/rule/fold set`."""
    found: dict[str, Score] = {}
    for setting, facts in summary.settings.items():
        found |= {f"{setting}: {key}": score for key, score in facts.scores.items()}
    return found


def both(
    group: str, before: Mapping[str, V], after: Mapping[str, V], check: Callable[[str, V, V], Sequence[Check]]
) -> Iterator[Check]:
    """`check` of all that both have, and the two one-sided lists."""
    for name in sorted({*before, *after}):
        if name not in after:
            yield Check(group, name, "vanished", _text(before[name]), "", "the candidate no longer has it")
        elif name not in before:
            yield Check(group, name, "appeared", "", _text(after[name]), "the baseline does not have it")
        else:
            yield from check(name, before[name], after[name])


def _text(value: object) -> str:
    """A value for the one-sided lists; a score as its two numbers."""
    if isinstance(value, Score):
        return f"WAR {percent(value.war)}, UAR {percent(value.uar)}"
    return value if isinstance(value, str) else ""


def _equal(group: str) -> Callable[[str, str, str], Sequence[Check]]:
    def check(name: str, before: str, after: str) -> Sequence[Check]:
        return [Check(group, name, "same" if before == after else "failed", before, after, "must be equal")]

    return check


def _grid_check(name: str, before: GridShape, after: GridShape) -> Sequence[Check]:
    """Same columns; rows that both have in the same order; a row that is new is none that is wrong."""
    lost, new = [[row for row in a.rows if row not in b.rows] for a, b in ((before, after), (after, before))]
    common = [[row for row in a.rows if row in b.rows] for a, b in ((before, after), (after, before))]
    if before.columns != after.columns:
        return [Check("exact", name, "failed", " | ".join(before.columns), " | ".join(after.columns), "other columns")]
    if lost or common[0] != common[1]:
        why = "rows vanished" if lost else "rows in another order"
        return [Check("exact", name, "vanished" if lost else "failed", "; ".join(lost or common[0]), "", why)]
    return [Check("exact", name, "appeared" if new else "same", "", "; ".join(new), "table structure")]


def _score_check(bands: Bands | None) -> Callable[[str, Score, Score], Sequence[Check]]:
    found: dict[str, Band] = {}
    for setting, of in (bands.scores if bands else {}).items():
        found |= {f"{setting}: {key}": band for key, band in of.items()}

    def check(name: str, before: Score, after: Score) -> Sequence[Check]:
        band = found.get(name)
        return [
            _number(f"{name}: WAR", before.war, after.war, band.war if band else None),
            _number(f"{name}: UAR", before.uar, after.uar, band.uar if band else None),
            *_equal("scores")(f"{name}: judged on", _judged(before), _judged(after)),
            *same_expressions(name, before, after),
        ]

    return check


def _number(name: str, before: float, after: float, band: float | None) -> Check:
    texts = percent(before), percent(after)
    if not math.isfinite(after):
        return Check("scores", name, "failed", *texts, "not a finite number")
    if before == after:
        return Check("scores", name, "same", *texts, "equal")
    if band is None:
        return Check("scores", name, "failed", *texts, NO_BAND)
    moved = f"{'up' if after > before else 'down'} by {percent(abs(after - before))}, band {percent(band)}"
    return Check("scores", name, "within" if abs(after - before) <= band + ROUNDING else "failed", *texts, moved)


def _judged(score: Score) -> str:
    folds, seeds = ", ".join(map(str, score.folds)), ", ".join(map(str, score.seeds))
    return f"{score.clips} clips, folds {folds}, seeds {seeds}"


def same_expressions(name: str, before: Score, after: Score) -> Sequence[Check]:
    """The accuracies are there for the same expressions; how large they are is held by WAR and UAR."""
    was, now = (
        [label for label, share in zip(EXPRESSIONS, one.accuracy, strict=True) if share is not None]
        for one in (before, after)
    )
    verdict: Verdict = "vanished" if set(was) - set(now) else "appeared" if set(now) - set(was) else "same"
    return [Check("scores", f"{name}: accuracies", verdict, ", ".join(was), ", ".join(now), "expressions with clips")]


def _speeds(summary: Summary) -> dict[str, dict[str, float]]:
    """Clips per second by `setting: model` and device: the median over arms, folds and seeds.

    One run by itself says little of a machine that other processes share.
    """
    rates: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for setting, facts in summary.settings.items():
        for name, run in facts.runs.items():
            if run.clips_per_second is not None:
                rates[f"{setting}: {name.partition('/')[0]}"][run.device].append(run.clips_per_second)
    return {name: {device: _median(all_) for device, all_ in of.items()} for name, of in rates.items()}


def _median(rates: Sequence[float]) -> float:
    return median(rates) if all(math.isfinite(rate) for rate in rates) else math.nan


def _speed_check(
    min_speed: float,
) -> Callable[[str, Mapping[str, float], Mapping[str, float]], Sequence[Check]]:
    def check(name: str, before: Mapping[str, float], after: Mapping[str, float]) -> Sequence[Check]:
        same = [device for device in before if device in after]
        if not same:
            return [Check("speed", name, "skipped", ", ".join(before), ", ".join(after), "another device")]
        return [_speed(f"{name}, {device}", before[device], after[device], min_speed) for device in same]

    return check


def _speed(name: str, before: float, after: float, min_speed: float) -> Check:
    if not (math.isfinite(before) and math.isfinite(after) and before > 0):
        return Check("speed", name, "failed", f"{before:.4g}", f"{after:.4g}", "not a number of clips per second")
    ratio = after / before
    verdict: Verdict = "failed" if ratio < min_speed else "warning" if ratio < WARN_SPEED else "within"
    verdict = "same" if ratio == 1 else verdict
    why = f"{ratio:.2f} of the baseline's clips per second; fails below {min_speed:g}, warns below {WARN_SPEED:g}"
    return Check("speed", name, verdict, f"{before:.4g}", f"{after:.4g}", why)


def _notes(baseline: Summary, candidate: Summary) -> Iterator[Check]:
    """What explains a change, and fails nothing: configurations, machines, and how many predictions are the same."""
    for setting in sorted({*baseline.settings} & {*candidate.settings}):
        was, now = baseline.settings[setting].runs, candidate.settings[setting].runs
        runs = sorted({*was} & {*now})
        other = [name for name in runs if was[name].config != now[name].config]
        if other:
            yield Check("notes", f"{setting}: configuration", "warning", "", ", ".join(other), "configured otherwise")
        for what in ("device", "torch", "precision", "harness"):
            before, after = _all(was, what), _all(now, what)
            if before != after:
                yield Check("notes", f"{setting}: {what}", "note", before, after, "other surroundings")
        equal = sum(was[name].predictions == now[name].predictions for name in runs)
        yield Check("notes", f"{setting}: runs with the same predictions", "note", "", f"{equal} of {len(runs)}")


def _all(runs: Mapping[str, RunFacts], what: str) -> str:
    return "; ".join(sorted({getattr(run, what) for run in runs.values()}))


def percent(share: float) -> str:
    """A share in percent, four digits behind the point: one clip in a million would show."""
    return f"{100 * share:.4f}"
