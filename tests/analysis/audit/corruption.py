"""How many slips the audit finds, by kind: `python tests/analysis/audit/corruption.py 2000 [--seed 0]` prints a table.

With `--csv` it prints what `manifests/paper/corruption_rates.csv` holds.

Every case is a table of four rows with one slip, drawn from a seed. A slip is missed where the row with it closes as it
stands: it is then another consistent row, and which of the two was meant the numbers do not say.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from harness.analysis.audit.repairs import repairs
from harness.analysis.audit.rows import audit_row
from harness.analysis.audit.simulate import KINDS, Corrupted, Kind, Simulated, corrupt, random_table


@dataclass(frozen=True)
class Case:
    """One slip: whether it was found and why not, on which basis, the rows wrongly blamed, and what was suggested."""

    kind: Kind
    basis: str
    found: bool
    missed: str
    false_alarms: int
    right_basis: bool
    offered: bool
    restored: bool


@dataclass(frozen=True)
class Rate:
    """Cases of a kind on a basis, in numbers."""

    kind: str
    basis: str
    cases: int
    found: int
    missed: dict[str, int]
    false_alarms: int
    wrong_basis: int
    offered: int
    restored: int


def case(random: Random, kind: Kind) -> Case:
    """A drawn table and one slip in it, audited."""
    drawn = random_table(random)
    slipped = corrupt(random, drawn.table, kind)
    others = [audit_row(row, drawn.table, drawn.sizes) for row in drawn.table.rows]
    verdict = audit_row(slipped.table.rows[slipped.row], slipped.table, drawn.sizes)
    mended = None if verdict.closes else repairs(verdict.row, slipped.table, drawn.sizes)
    return Case(
        kind,
        drawn.basis.name if not drawn.basis.name.startswith("fold") else "one fold",
        not verdict.closes and bool(verdict.findings),
        _reason(drawn, slipped, verdict.bases) if verdict.closes else "",
        sum(not other.closes or bool(other.findings) for other in others),
        all(drawn.basis.name in other.bases for other in others),
        mended is not None,
        mended is not None and _restores(mended.evidence["changes"], slipped),
    )


def rates(cases: int, seed: int = 0) -> list[Rate]:
    """The cases shared evenly among the kinds, counted by kind and basis; the same for the same seed."""
    random = Random(seed)
    found = [case(random, KINDS[number % len(KINDS)]) for number in range(cases)]
    names = ("one fold", "pooled", "mean-of-folds")
    places = [(kind, basis) for kind in KINDS for basis in names]
    groups = {place: [one for one in found if (one.kind, one.basis) == place] for place in places}
    return [_rate(*place, group) for place, group in groups.items() if group] + [_rate("all", "all", found)]


def _rate(kind: str, basis: str, group: list[Case]) -> Rate:
    missed = dict(Counter(one.missed for one in group if one.missed))
    found, alarms = sum(one.found for one in group), sum(one.false_alarms for one in group)
    wrong = sum(not one.right_basis for one in group)
    offered, restored = sum(one.offered for one in group), sum(one.restored for one in group)
    return Rate(kind, basis, len(group), found, missed, alarms, wrong, offered, restored)


def _reason(drawn: Simulated, slipped: Corrupted, bases: tuple[str, ...]) -> str:
    """Why a slip does not show: the row is right on its own basis all the same, or on another one."""
    if drawn.basis.name not in bases:
        return "closes on another basis"
    return "too small to show" if slipped.kind in ("digit", "swap") else "fits as well"


def _restores(changes: dict[str, list[str]], slipped: Corrupted) -> bool:
    """Whether a suggestion gives back what was printed, in every cell that it fills."""
    return all(after in ("", slipped.before.cells[name].text) for name, (_, after) in changes.items())


def markdown(rows: list[Rate]) -> Iterator[str]:
    """The rates as a table."""
    yield "| slip | basis | cases | found | % | missed: why | right rows blamed | suggested | of these right |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for row in rows:
        why = ", ".join(f"{count} {reason}" for reason, count in sorted(row.missed.items())) or "-"
        share = f"{100 * row.found / row.cases:.1f}"
        cells = (row.kind, row.basis, row.cases, row.found, share, why, row.false_alarms, row.offered, row.restored)
        yield "| " + " | ".join(map(str, cells)) + " |"


def as_csv(rows: list[Rate]) -> Iterator[str]:
    """The rates as CSV."""
    yield "slip,basis,cases,found,missed,right_rows_blamed,wrong_basis,suggested,restored"
    for row in rows:
        why = "; ".join(f"{count} {reason}" for reason, count in sorted(row.missed.items()))
        counts = (row.false_alarms, row.wrong_basis, row.offered, row.restored)
        yield ",".join(map(str, (row.kind, row.basis, row.cases, row.found, why, *counts)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--csv", action="store_true")
    options = parser.parse_args()
    found = rates(options.cases, options.seed)
    print("\n".join(as_csv(found) if options.csv else markdown(found)))
