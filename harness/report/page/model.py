"""What the page's own tables show: plain rows, worked out before a template sees them. Pure functions."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count

from harness.analysis.stats import Judged
from harness.analysis.stats.verdict import IMPROVES, NO_EVIDENCE, WORSENS
from harness.report.headings import ORACLE, dataset_label, facts
from harness.report.measured import Difference, Key, Row, Setting
from harness.report.pairs import NO_PAIR, Comparison, Contrast
from harness.report.tables import Measured
from harness.runs.records import Run

WORDS = (IMPROVES, WORSENS, NO_EVIDENCE, NO_PAIR)
FOREST_WIDTH = 84  # of the small interval plot in a row, in its own units
Plot = tuple[float, float, float]


@dataclass(frozen=True)
class Card:
    """What was run and on what: one setting."""

    label: str
    published: bool
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Line:
    """What every row has in common: the values it is filtered by, and the positions of the runs behind it."""

    setting: str
    model: str
    arm: str
    rule: str
    fold_set: str
    runs: tuple[int, ...]


@dataclass(frozen=True)
class Part:
    """One score of a contrast: its verdict; None where no pair is whole. plot: x of low end, high end and point."""

    name: str
    verdict: str
    judged: Judged | None
    plot: Plot | None


@dataclass(frozen=True)
class VerdictLine:
    """An AU arm against its baseline, by WAR and by UAR."""

    line: Line
    contrast: Contrast
    parts: tuple[Part, Part]


@dataclass(frozen=True)
class ScoreLine:
    """Scores of one model and arm, with the difference to the baseline where there is one."""

    line: Line
    row: Row
    difference: Difference | None


@dataclass(frozen=True)
class Tally:
    """How many verdicts of each word (WORDS) one setting, rule and fold set has by one score."""

    setting: str
    score: str
    rule: str
    fold_set: str
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Model:
    """All the page's own rows; runs stand in the order of the settings."""

    cards: tuple[Card, ...]
    verdicts: tuple[VerdictLine, ...]
    tallies: tuple[Tally, ...]
    scores: tuple[ScoreLine, ...]
    runs: tuple[Run, ...]
    run_lines: tuple[Line, ...]


def page_model(measured: Sequence[Measured], comparisons: Sequence[Comparison]) -> Model:
    """Rows of the page from measured settings and, in the same order, the comparisons of their pairs (or none)."""
    runs = tuple(run for one in measured for run in one.setting.runs)
    labels = _labels([one.setting for one in measured])
    behind = _Behind(runs, dict(zip(labels, measured, strict=True)))
    found = _verdict_lines(labels, comparisons, behind) if comparisons else ()
    cards = tuple(
        Card(label, one.setting.published, facts(one.setting)) for label, one in zip(labels, measured, strict=True)
    )
    scores = tuple(line for label in labels for line in _score_lines(label, behind))
    return Model(cards, found, _tallies(found), scores, runs, tuple(_run_lines(behind)))


class _Behind:
    """Which runs, by position on the page, stand behind a row."""

    def __init__(self, runs: Sequence[Run], measured: Mapping[str, Measured]) -> None:
        self.runs, self.measured = runs, measured
        self.members: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        number = count()
        for label, one in measured.items():
            for run in one.setting.runs:
                self.members[label, run.config.model, run.config.arm].append(next(number))

    def line(self, label: str, key: Key, row: Row) -> Line:
        """A row's line."""
        model, arm, rule, fold_set = key
        here = [i for i in self.members[label, model, arm] if _is_of(self.runs[i], row)]
        return Line(label, self.measured[label].methods.get(model, model), arm, rule, fold_set, tuple(here))


def rule_name(rule: str) -> str:
    """The selection rule; the one that looks at the test fold is marked."""
    return f"{rule} (oracle)" if rule == ORACLE else rule


def _is_of(run: Run, row: Row) -> bool:
    return run.config.fold in row.folds and run.config.seed in row.seeds and row.rule in run.config.selection


def _labels(found: Sequence[Setting]) -> list[str]:
    """Short names of the settings: the data set, and more only as far as another setting has the same."""
    labels = [dataset_label(setting) for setting in found]
    for part in ("engine", "scale", "experiment"):
        twice = {label for label, times in Counter(labels).items() if times > 1}
        labels = [
            f"{label}, {getattr(setting, part)}" if label in twice else label
            for label, setting in zip(labels, found, strict=True)
        ]
    return labels


def _verdict_lines(
    labels: Sequence[str], comparisons: Sequence[Comparison], behind: _Behind
) -> tuple[VerdictLine, ...]:
    found = [(label, one) for label, said in zip(labels, comparisons, strict=True) for one in said.contrasts]
    effects = [judged.effect for _, one in found for judged in (one.war, one.uar) if judged]
    widest = max((abs(end) for one in effects for end in (one.low, one.high)), default=0.0) or 1.0
    lines = []
    for label, one in found:
        line = behind.line(label, one.key, behind.measured[label].rows[one.key])
        war, uar = one.verdicts
        parts = (_part("WAR", war, one.war, widest), _part("UAR", uar, one.uar, widest))
        lines.append(VerdictLine(line, one, parts))
    return tuple(lines)


def _part(name: str, verdict: str, judged: Judged | None, widest: float) -> Part:
    if judged is None:
        return Part(name, verdict, None, None)
    ends = (judged.effect.low, judged.effect.high, judged.effect.difference)
    low, high, point = (round(FOREST_WIDTH / 2 * (1 + 0.94 * end / widest), 1) for end in ends)
    return Part(name, verdict, judged, (low, high, point))


def _tallies(lines: Sequence[VerdictLine]) -> tuple[Tally, ...]:
    found: dict[tuple[str, str, str, str], Counter[str]] = defaultdict(Counter)
    for one in lines:
        for part in one.parts:
            found[one.line.setting, part.name, one.line.rule, one.line.fold_set][part.verdict] += 1
    return tuple(Tally(*key, tuple(said[word] for word in WORDS)) for key, said in found.items())


def _score_lines(label: str, behind: _Behind) -> Iterable[ScoreLine]:
    one = behind.measured[label]
    for key, row in one.rows.items():
        yield ScoreLine(behind.line(label, key, row), row, one.differences.get(key))


def _run_lines(behind: _Behind) -> Iterable[Line]:
    """A line per run, in the order of `runs`; a run belongs to no one rule or fold set."""
    empty = Line("", "", "", "", "", ())
    by_number = {number: key for key, numbers in behind.members.items() for number in numbers}
    for number in sorted(by_number):
        label, model, arm = by_number[number]
        method = behind.measured[label].methods.get(model, model)
        yield replace(empty, setting=label, model=method, arm=arm, runs=(number,))
