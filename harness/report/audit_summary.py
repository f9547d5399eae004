"""The first lines of an audit report: what its findings say together, weightiest first. Pure functions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from harness.analysis.audit.finding import Finding
from harness.analysis.audit.literature import TAKEN
from harness.analysis.audit.rows import RowVerdict
from harness.analysis.audit.whole import Audit

MOST_LINES = 10


def summary(audited: Audit) -> list[str]:
    """At most MOST_LINES sentences; what was not asked or not found is left out."""
    parts: tuple[Callable[[Audit], str], ...] = (
        _closing, _failing, _displaced, _exchanged, _typing, _twice, _counts, _effects, _claims, _beside,
    )  # fmt: skip
    lines = [line for line in (part(audited) for part in parts) if line]
    return lines[:MOST_LINES]


def asked(audited: Audit) -> list[tuple[str, RowVerdict]]:
    """Table and verdict of every row that prints class cells."""
    return [
        (name, one)
        for name, rows in audited.rows.items()
        for one in rows
        if any(column in one.row.cells for column in audited.inputs.tables[name].classes)
    ]


def place(table: str, row: str) -> str:
    """`table2 C3D`, `table2 MAE-DFER au`: a row in running text; that it is taken from elsewhere is left out."""
    method, _, arm = row.rpartition(", ")
    return f"{table} {method}{'' if arm in TAKEN else f' {arm}'}" if method else f"{table} {row}"


def listed(words: Iterable[str]) -> str:
    """`a, b and c`, each once."""
    *some, last = dict.fromkeys(words)
    return f"{', '.join(some)} and {last}" if some else last


def count(number: int, noun: str) -> str:
    """`1 row`, `2 rows`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _closing(audited: Audit) -> str:
    rows = asked(audited)
    closed = [one for _, one in rows if one.closes]
    if not rows:
        return ""
    first = Counter(one.bases[0] for one in closed)
    bases = ", ".join(f"{number} on {basis}" for basis, number in first.most_common())
    return f"Of {count(len(rows), 'row')} with class cells {len(closed)} close" + (
        f": {bases} (of several bases, the one that chance explains least)." if bases else "."
    )


def _failing(audited: Audit) -> str:
    failing = [place(name, one.row.name) for name, one in asked(audited) if not one.closes]
    return f"{count(len(failing), 'row')} close on no basis: {listed(failing)}." if failing else ""


def _displaced(audited: Audit) -> str:
    shifted, copied = audited.of("shifted"), audited.of("copied-cells")
    words = [f"{place(one.table, one.row)} stands one column from where it belongs" for one in shifted]
    words += [f"{rows} holds cells of other rows or columns" for rows in _places(copied)]
    return _sentence(words)


def _exchanged(audited: Audit) -> str:
    found = audited.of("columns-exchanged")
    columns = [f"{one.table} {one.column}" for one in found if not one.row]
    rows = _places([one for one in found if one.row])
    words = [f"WAR and UAR of the rows taken from elsewhere look exchanged in {listed(columns)}"] if columns else []
    words += [f"they are exchanged, beside their sources or the class sizes, in {listed(rows)}"] if rows else []
    return _sentence(words)


def _typing(audited: Audit) -> str:
    found = audited.of("repair")
    changes = [f"{place(one.table, one.row)} ({one.column} {one.derived}, not {one.printed})" for one in found]
    return f"With one cell changed {count(len(changes), 'row')} would close: {listed(changes)}." if changes else ""


def _twice(audited: Audit) -> str:
    found = audited.of("same-quantity-differs")
    if not found:
        return ""
    return f"{count(len(found), 'value')} of one table differ from those of another: {listed(_places(found))}."


def _counts(audited: Audit) -> str:
    found = audited.of("dropped-line") + audited.of("war-no-count")
    places = [f"{place(one.table, one.row)} {one.column} {one.printed}" for one in found]
    lost = len(audited.of("dropped-line"))
    more = f"; of a list one line shorter, {lost} would be" if lost else ""
    said = f"{count(len(found), 'WAR')} of no whole number of clips: "
    return f"{said}{listed(places)}{more}." if found else ""


def _effects(audited: Audit) -> str:
    found = audited.of("effect")
    if not found:
        return ""
    verdicts = Counter(effect_verdict(one) for one in found)
    said = "; ".join(f"{number} {verdict}" for verdict, number in verdicts.most_common())
    return f"{count(len(found), 'comparison')} of an arm with its baseline, by right clips: {said}."


def effect_verdict(found: Finding) -> str:
    """What the bounds of the corrected p value say."""
    least, most = found.evidence["p_holm"]
    if most < found.evidence["alpha"]:
        return "an effect, whichever clips changed"
    chance = least >= found.evidence["alpha"]
    return "within chance, whichever clips changed" if chance else "not decided by the counts"


def _claims(audited: Audit) -> str:
    against = audited.of("claim-contradicted")
    if not (against or audited.holds or audited.unchecked):
        return ""
    total = len(against) + len(audited.holds) + len(audited.unchecked)
    return (
        f"Of {count(total, 'statement')} of the text the tables contradict {len(against)} "
        f"({', '.join(one.row for one in against)}), bear out {len(audited.holds)}, and cannot decide "
        f"{len(audited.unchecked)}."
    )


def _beside(audited: Audit) -> str:
    words = [
        (audited.of("differs-from-literature"), "value", "not those of their sources"),
        (audited.of("flops"), "GFLOPs cell", "not as measured"),
        (audited.of("released-constant"), "statement", "about the released constants"),
    ]
    return _sentence([f"{count(len(found), noun)} {said}" for found, noun, said in words if found])


def _places(found: Sequence[Finding]) -> list[str]:
    return list(dict.fromkeys(place(one.table, one.row) for one in found))


def _sentence(words: Sequence[str]) -> str:
    text = "; ".join(words)
    return f"{text[:1].upper()}{text[1:]}." if words else ""
