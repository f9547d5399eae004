"""An audit as markdown for a reviewer: the summary, then table by table, verdict first and evidence under it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from harness.analysis.audit.effects import BASELINE
from harness.analysis.audit.finding import KINDS, Finding
from harness.analysis.audit.literature import TAKEN
from harness.analysis.audit.rows import RowVerdict
from harness.analysis.audit.wars import WarVerdict, own_fits
from harness.analysis.audit.whole import Audit
from harness.report.audit_summary import effect_verdict, listed, place, summary

OF_A_ROW = (
    "no-basis", "uar-not-mean", "war-not-weighted-mean", "cell-not-a-fraction", "shifted", "repair", "dropped-line",
    "war-no-count",
)  # fmt: skip
"""Kinds told under the row that they are about."""


FAILS = {
    "no-basis": "the cells close on no basis together",
    "uar-not-mean": "not the mean of the classes",
    "war-not-weighted-mean": "not the class-weighted mean",
    "cell-not-a-fraction": "no share of the clips",
}


def audit_markdown(audited: Audit, command: str = "audfer audit") -> str:
    """The whole report; sections without anything to say are left out."""
    parts: tuple[Callable[[Audit], list[str]], ...] = (
        _summary, _tables, _beside_one_another, _exchanged, _literature, _effects, _claims, _constants, _flops, _kinds,
        _rates,
    )  # fmt: skip
    lines = ["# What the printed tables can and cannot mean", "", f"Command: `{command}`", ""]
    lines += [_origin(audited), ""]
    return "\n".join([*lines, *(line for part in parts for line in part(audited))]).rstrip("\n") + "\n"


def _origin(audited: Audit) -> str:
    inputs = audited.inputs
    sizes = ", ".join(f"{name} ({inputs.sources[name]})" for name in inputs.sizes)
    return (
        f"Tables: {', '.join(inputs.tables)}. Clips per class of the test folds: {sizes}. Every statement is worked "
        "out from these; the JSON holds what each rests on. How a check reasons, and what it cannot see: docs/audit.md."
    )


def _summary(audited: Audit) -> list[str]:
    return ["## Summary", "", *_numbered(summary(audited))]


def _tables(audited: Audit) -> list[str]:
    lines = []
    for name in audited.inputs.tables:
        dataset = audited.inputs.datasets[name]
        lines += [f"## {name}{f' ({dataset})' if dataset else ''}", ""]
        lines += _verdicts(audited, name) + _wars(audited, name) + _evidence(audited, name)
    return lines


def _verdicts(audited: Audit, name: str) -> list[str]:
    rows = [
        (one.row.name, *_verdict(one, audited.inputs.tables[name].classes), _wrong(one)) for one in audited.rows[name]
    ]
    return pipes(("row", "verdict", "basis", "chance of the fit", "what fails"), rows) if rows else []


def _verdict(one: RowVerdict, classes: Sequence[str]) -> tuple[str, str, str]:
    if not one.closes:
        return ("does not close" if one.findings else "nothing to check"), "-", "-"
    alone = not any(name in one.row.cells for name in classes)
    return ("WAR is possible" if alone else "closes"), ", ".join(one.bases), f"{one.chance:.2g}"


def _wrong(one: RowVerdict) -> str:
    said = (f"{found.column} {found.printed}: {FAILS[found.kind]}".strip(" :") for found in one.findings)
    return "; ".join(said) or "-"


def _wars(audited: Audit, name: str) -> list[str]:
    """The totals of each data set with the chance of a fit, then what each row's WARs fit."""
    found = audited.wars[name]
    if not found:
        return []
    first = {one.column: one for one in found}
    lines = ["Which test fold a WAR can be a share k/N of. N and how likely any print is one:", ""]
    lines += _bullets(f"{column}: {_totals(one)}" for column, one in first.items())
    rows = {one.row.number: one.row.name for one in found}
    by_place = {(one.row.number, one.column): one for one in found}
    cells = [(row, *(_fits(by_place.get((number, column))) for column in first)) for number, row in rows.items()]
    lines += pipes(("row", *first), cells)
    subsets = [f"{one.said}." for one in audited.subsets[name]]
    return lines + _own(found) + (_bullets(subsets) if subsets else [])


def _own(found: Sequence[WarVerdict]) -> list[str]:
    """How many of the authors' own rows each telling basis fits."""
    rows = [(one.column, one.basis, str(one.total), f"{one.fitting} of {one.rows}", f"{one.expected:.2g}")
            for one in own_fits(found)]  # fmt: skip
    if not rows:
        return []
    heads = ("column", "basis", "clips", "own rows that fit", "expected by chance")
    return ["Rows of the authors' own (not taken from elsewhere), by test fold:", "", *pipes(heads, rows)]


def _totals(one: WarVerdict) -> str:
    several = len(one.fits) > 1
    return "; ".join(
        (f"{name}: " if several else "")
        + ", ".join(f"{fit.basis} {fit.total} ({fit.chance:.2g})" for fit in fits if not fit.lost)
        for name, fits in one.fits.items()
    )


def _fits(one: WarVerdict | None) -> str:
    """The folds that a WAR fits, with the counts; pooled and mean fit nearly anything and are named only if alone."""
    if one is None:
        return "-"
    text = one.row.cells[one.column].text
    several = len(one.fits) > 1
    found = [
        f"{f'{name} ' if several else ''}{fit.basis} {_clips(fit.clips)}/{fit.total}"
        for name, fits in one.fits.items()
        for fit in fits
        if fit.fits and not fit.lost and fit.clips and fit.basis != "pooled"
    ]
    if found:
        return f"{text}: {', '.join(found)}"
    if one.possible:
        return f"{text}: pooled or a mean over folds alone"
    return f"{text}: none" + (f"; {_clips(one.lost[0].clips)}/{one.lost[0].total} with a line lost" if one.lost else "")


def _clips(clips: tuple[int, int] | None) -> str:
    assert clips is not None
    return str(clips[0]) if clips[0] == clips[1] else f"{clips[0]} to {clips[1]}"


def _evidence(audited: Audit, name: str) -> list[str]:
    found = sorted((one for one in audited.of(table=name) if one.kind in OF_A_ROW), key=_rank)
    lines = []
    for row in [row.name for row in audited.inputs.tables[name].rows]:
        about = [one for one in found if one.row == row]
        if about:
            lines += [f"### {row}", "", *(line for one in about for line in (f"* {_told(one)}", *_detail(one))), ""]
    return lines


def _rank(one: Finding) -> int:
    return OF_A_ROW.index(one.kind)


def _detail(one: Finding) -> list[str]:
    """The numbers under a statement: what fails where, the clips behind the other cells, the row after a change."""
    lines, evidence = [], one.evidence
    if "fails" in evidence:
        by_cells: dict[tuple[str, ...], list[str]] = {}
        for basis, columns in evidence["fails"].items():
            by_cells.setdefault(tuple(columns), []).append(basis)
        lines += [f"  * fails on {', '.join(bases)}: {', '.join(columns)}" for columns, bases in by_cells.items()]
    if evidence.get("counts"):
        counts = ", ".join(f"{column} {clips}" for column, clips in evidence["counts"].items())
        lines.append(f"  * right clips behind the other cells on {one.basis}: {counts}")
    if one.kind in ("repair", "shifted") and "tried" in evidence:
        mended = ", ".join(f"{column} {text}" for column, text in evidence["cells"].items())
        tried = f"{evidence['tried']} changes tried, this one alone of the smallest that help"
        lines.append(f"  * {tried}; after it: {mended}")
    return lines


def _beside_one_another(audited: Audit) -> list[str]:
    found = audited.of("same-quantity-differs") + audited.of("copied-cells")
    return _section("Rows and tables beside one another", found)


def _exchanged(audited: Audit) -> list[str]:
    """The statements about exchanges, then every pair of cells with WAR too far below UAR."""
    lines = _section("WAR and UAR exchanged", audited.of("columns-exchanged"))
    below = [
        (one.table, one.row, one.column, one.printed, one.evidence["contrast_points"], one.evidence["dataset"],
         one.confidence)
        for one in audited.of("war-below-uar")
    ]  # fmt: skip
    if not below:
        return lines
    lines += [] if lines else ["## WAR and UAR exchanged", ""]
    heads = ("table", "row", "columns", "printed", "rare classes better by", "class sizes", "confidence")
    said = "WAR below UAR, and by how many points rare classes would be recognised better than common ones:"
    return [*lines, said, "", *pipes(heads, below)]


def _literature(audited: Audit) -> list[str]:
    found = audited.of("differs-from-literature")
    lines = _section("Beside the literature", found)
    again = [
        (one.row.partition(",")[0], one.column, one.printed, one.derived, one.evidence["difference"],
         _reach(one), one.evidence["source"]["source"])
        for one in audited.of("replication")
    ]  # fmt: skip
    if again:
        lines += ["The paper's own repetition of a method beside what its authors publish (points):", ""]
        heads = ("method", "column", "repeated", "published", "difference", "other arms less published", "source")
        lines += pipes(heads, again)
    skipped = [f"{name}: {', '.join(methods)}" for name, methods in audited.skipped.items() if methods]
    return lines + ([f"Not compared, as nothing is known of them: {'; '.join(skipped)}.", ""] if skipped else [])


def _reach(one: Finding) -> str:
    reach = one.evidence["other_arms_less_source"]
    return ", ".join(f"{arm.partition(', ')[2]} {float(gap):+.2f}" for arm, gap in reach.items()) or "-"


def _effects(audited: Audit) -> list[str]:
    found = audited.of("effect")
    if not found:
        return []
    rows = [_effect(one) for one in found]
    heads = ("table", "row", "column", "basis", "right clips", "gain", "p", "p (Holm)", "95 % interval", "verdict")
    lines = ["## How large the claimed effects are", "", *pipes(heads, rows)]
    return [
        *lines,
        "Right clips of the arm and of its baseline, as the cells give them. p is McNemar's, two-sided and exact, from "
        "the fewest to the most clips on which two arms with these counts can differ; Holm's correction is over the "
        "table. The interval, in points, holds whatever the pairing.",
        "",
        *_left_out(audited),
    ]


def _left_out(audited: Audit) -> list[str]:
    """Arms of tables with class cells that have no effect: one of the two rows does not close."""
    there = {(one.table, one.row) for one in audited.of("effect")}
    missing = [
        place(name, one.row.name)
        for name, rows in audited.rows.items()
        for one in rows
        if one.row.arm not in (*TAKEN, BASELINE) and (name, one.row.name) not in there
    ]
    return [f"Left out, as the arm or its baseline does not close: {listed(missing)}.", ""] if missing else []


def _effect(one: Finding) -> tuple[str, ...]:
    correct, gain = one.evidence["correct"], one.evidence["gain"]
    low, high = one.evidence["interval_points"]
    counts = f"{correct['arm']} and {correct['baseline']} of {correct['clips']}"
    change = f"{gain[0]:+d}" if gain[0] == gain[1] else f"{gain[0]:+d} to {gain[1]:+d}"
    p, corrected = (f"{least:.2g} to {most:.2g}" for least, most in (one.evidence["p"], one.evidence["p_holm"]))
    return (one.table, one.row, one.column, one.basis, counts, change, p, corrected,
            f"{low:+.2f} to {high:+.2f}", effect_verdict(one))  # fmt: skip


def _claims(audited: Audit) -> list[str]:
    against = audited.of("claim-contradicted")
    if not (against or audited.holds or audited.unchecked):
        return []
    lines = ["## What the text says, and the tables", ""]
    if against:
        lines += ["### Contradicted", "", *_bullets(_told(one) for one in against)]
    for heading, claims in (("Borne out", audited.holds), ("Not to be decided from the tables", audited.unchecked)):
        if claims:
            said = (f"{one.says} ({one.where}){f': {one.unchecked}' if one.unchecked else ''}." for one in claims)
            lines += [f"### {heading}", "", *_bullets(said)]
    return lines


def _constants(audited: Audit) -> list[str]:
    return _section("The released constants", audited.of("released-constant"))


def _flops(audited: Audit) -> list[str]:
    return _section("GFLOPs", audited.of("flops"))


def _kinds(audited: Audit) -> list[str]:
    rows = [(f"`{kind}`", said, str(len(audited.of(kind)))) for kind, said in KINDS.items() if audited.of(kind)]
    return [] if not rows else ["## Kinds of findings", "", *pipes(("kind", "says", "found"), rows)]


def _rates(audited: Audit) -> list[str]:
    rates = audited.inputs.rates
    if not rates:
        return []
    rows = [
        (one["slip"], one["basis"], one["cases"], one["found"], f"{100 * int(one['found']) / int(one['cases']):.1f}",
         one["missed"] or "-", one["right_rows_blamed"], one["suggested"], one["restored"])
        for one in rates
    ]  # fmt: skip
    heads = ("slip", "basis", "cases", "found", "%", "missed: why", "right rows blamed", "suggested", "of these right")
    return [
        "## What the row checks find of slips made on purpose",
        "",
        "Random tables of four rows with one slip each (`python tests/analysis/audit/corruption.py 2000 --csv`, "
        "seed 0). A slip is missed where the row with it closes: it is then another consistent row.",
        "",
        *pipes(heads, rows),
    ]


def _section(heading: str, found: Sequence[Finding]) -> list[str]:
    return [f"## {heading}", "", *_bullets(map(_told, found))] if found else []


def _told(one: Finding) -> str:
    """A finding with its confidence and id; its table is named where the sentence and the heading do not."""
    named = one.kind in OF_A_ROW or one.kind in ("claim-contradicted", "released-constant") or one.table in one.said
    text = one.said.rstrip(".")
    # A file's name stays as it is written.
    begun = text if text.startswith(one.table) else f"{text[:1].upper()}{text[1:]}"
    text = begun if named else f"{one.table}: {text}"
    return f"{text}. ({one.confidence}; `{one.id}`)"


def pipes(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A markdown table and an empty line."""
    lines = [heads, ["---"] * len(heads), *rows]
    return ["| " + " | ".join(escaped(cell) for cell in line) + " |" for line in lines] + [""]


def escaped(cell: str) -> str:
    """A text that a markdown cell can hold."""
    return " ".join(cell.split()).replace("|", "\\|")


def _bullets(lines: Iterable[str]) -> list[str]:
    return [*(f"* {' '.join(line.split())}" for line in lines), ""]


def _numbered(lines: Iterable[str]) -> list[str]:
    return [*(f"{number}. {line}" for number, line in enumerate(lines, start=1)), ""]
