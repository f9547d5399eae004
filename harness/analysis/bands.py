"""A baseline from control runs: how far WAR and UAR move when nothing was changed but the seed, or nothing at all."""

from __future__ import annotations

from collections.abc import Sequence

from harness.analysis.regress import both, exact_checks, refuse_broken, same_expressions, scores
from harness.analysis.summary import Band, Bands, Control, Score, Summary
from harness.errors import DataError

BAND_RULE = "largest minus smallest score over the controls, at least what one clip can move it"
Report = tuple[str, str, Summary]  # name, sha256 of its file, what it says


def make_baseline(reports: Sequence[Report], made_by: str) -> Summary:
    """The first of the control reports with the bands that all of them give. One report alone gives no band.

    The others may be of other seeds; in everything exact they must be the same as the first.
    DataError for a report that is not whole, is given twice, is itself a baseline, or differs from the first.
    """
    (first_name, _, first), *others = reports
    for name, _, summary in reports:
        refuse_broken(summary, name)
    _refuse_repeated(reports)
    for name, _, summary in others:
        _refuse_other(first_name, first, name, summary)
    bands = _bands([summary for _, _, summary in reports]) if others else {}
    controls = tuple(_control(*report) for report in reports)
    return first.model_copy(update={"bands": Bands(made_by=made_by, rule=BAND_RULE, controls=controls, scores=bands)})


def _refuse_repeated(reports: Sequence[Report]) -> None:
    seen: set[str] = set()
    for name, sha256, summary in reports:
        if summary.bands is not None:
            raise DataError(f"{name}: is a baseline already; give the reports of control runs")
        if sha256 in seen:
            raise DataError(f"{name}: the same summary as one before it; give reports of different control runs")
        seen.add(sha256)


def _refuse_other(first_name: str, first: Summary, name: str, summary: Summary) -> None:
    compared = [*exact_checks(first, summary), *both("scores", scores(first), scores(summary), same_expressions)]
    for check in compared:
        if check.failed or check.verdict == "appeared":
            raise DataError(
                f"{name}: {check.name} is not that of {first_name}; controls differ by the seed alone, or in nothing"
            )


def _control(name: str, sha256: str, summary: Summary) -> Control:
    runs = [run for facts in summary.settings.values() for run in facts.runs.values()]
    seeds = {seed for score in scores(summary).values() for seed in score.seeds}
    devices = {run.device for run in runs}
    return Control(name=name, summary_sha256=sha256, seeds=tuple(sorted(seeds)), devices=tuple(sorted(devices)))


def _bands(summaries: Sequence[Summary]) -> dict[str, dict[str, Band]]:
    return {
        setting: {key: _band([one.settings[setting].scores[key] for one in summaries]) for key in facts.scores}
        for setting, facts in summaries[0].settings.items()
    }


def _band(of: Sequence[Score]) -> Band:
    war, uar = (max(values) - min(values) for values in ([one.war for one in of], [one.uar for one in of]))
    one_war, one_uar = max(one.one_clip_war for one in of), max(one.one_clip_uar for one in of)
    return Band(war=max(war, one_war), uar=max(uar, one_uar), war_spread=war, uar_spread=uar)
