"""What a check of a data set says: what was found, then every difference as one line with its cause and remedy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from tabulate import tabulate

from harness.data.check.kinds import KINDS

Severity = Literal["error", "note"]


@dataclass(frozen=True)
class Finding:
    """One difference: of which severity and kind (a key of `KINDS`), where, what, why perhaps, and what to do."""

    severity: Severity
    kind: str
    where: str
    what: str
    cause: str
    remedy: str

    def __post_init__(self) -> None:
        assert self.kind in KINDS, self.kind

    def line(self) -> str:
        """The finding as one line."""
        return f"{self.severity} [{self.kind}] {self.where}: {self.what}. Cause: {self.cause}. Remedy: {self.remedy}."


def error(kind: str, where: str, what: str, cause: str = "", remedy: str = "") -> Finding:
    """An error; cause and remedy are those of its kind unless nearer ones are given."""
    return Finding("error", kind, where, what, cause or KINDS[kind].cause, remedy or KINDS[kind].remedy)


def note(kind: str, where: str, what: str, cause: str = "", remedy: str = "") -> Finding:
    """A note: what it says does not make the data another; cause and remedy as for an error."""
    return replace(error(kind, where, what, cause, remedy), severity="note")


@dataclass(frozen=True)
class Facts:
    """What was found, whether it matches or not.

    counts: fold -> part -> clips per class, in the order of `classes`. least, median, most, under_16, exactly_16:
    frames per clip. sizes: `width x height` -> pictures. unreadable: pictures. au_found, au_missing: clips, or videos
    where clips are stretches of them; None where there is no folder of AU files.
    """

    title: str
    root: str
    classes: tuple[str, ...] = ()
    counts: Mapping[int, Mapping[str, tuple[int, ...]]] = field(default_factory=dict)
    counts_as_published: bool | None = None
    compared_with: tuple[str, ...] = ()
    clips: int = 0
    clips_with_frames: int = 0
    frames: int = 0
    least: int | None = None
    median: float | None = None
    most: int | None = None
    under_16: int = 0
    exactly_16: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)
    suffixes: Mapping[str, int] = field(default_factory=dict)
    unreadable: int = 0
    decoded: bool = False
    au_found: int | None = None
    au_missing: int | None = None
    seconds: float = 0.0
    pictures_per_second: float | None = None


@dataclass(frozen=True)
class CheckReport:
    """The answer of `audfer data check`."""

    facts: Facts
    findings: tuple[Finding, ...]

    @property
    def passed(self) -> bool:
        """Whether nothing but notes was found."""
        return not any(finding.severity == "error" for finding in self.findings)

    def lines(self) -> list[str]:
        """What was found, then the findings (errors first), then the verdict."""
        ranked = sorted(self.findings, key=lambda finding: finding.severity != "error")
        return [*_facts(self.facts), "", *(finding.line() for finding in ranked), self._verdict()]

    def as_json(self) -> dict[str, Any]:
        """The report as JSON's own types."""
        facts = asdict(self.facts)
        facts["counts"] = {str(fold): {part: list(row) for part, row in parts.items()}
                           for fold, parts in self.facts.counts.items()}  # fmt: skip
        facts["classes"], facts["compared_with"] = list(self.facts.classes), list(self.facts.compared_with)
        return {"passed": self.passed, "facts": facts, "findings": [asdict(finding) for finding in self.findings]}

    def _verdict(self) -> str:
        errors = sum(finding.severity == "error" for finding in self.findings)
        notes = len(self.findings) - errors
        right = "matches what is published" if self.facts.counts_as_published else "nothing wrong found"
        answer = many(errors, "error") if errors else right
        return f"{self.facts.title}: {answer}" + (f", {many(notes, 'note')}" if notes else "")


def some(names: Iterable[str], shown: int = 3) -> str:
    """The first few of many names."""
    listed = list(names)
    rest = len(listed) - shown
    return ", ".join(listed[:shown]) + (f" and {rest:,} more" if rest > 0 else "")


def many(count: int, thing: str, things: str = "") -> str:
    """`1 clip`, `1,234 clips`."""
    return f"{count:,} {thing if count == 1 else things or thing + 's'}"


def _facts(facts: Facts) -> list[str]:
    lines = [f"{facts.title} at {facts.root}"]
    if not facts.clips:
        return lines
    if facts.counts:
        lines += ["", *_counts_table(facts), ""]
    if facts.compared_with:
        lines.append(f"lists compared with: {', '.join(facts.compared_with)}")
    lines.append(f"clips       {facts.clips:,} listed, {facts.clips_with_frames:,} with frames")
    if facts.least is not None:
        lines += _frames(facts)
    if facts.au_found is not None:
        lines.append(f"AU files    {facts.au_found:,} found, {facts.au_missing:,} missing")
    speed = f", {facts.pictures_per_second:,.0f} pictures/s" if facts.pictures_per_second else ""
    return [*lines, f"time        {facts.seconds:.1f} s{speed}"]


def _frames(facts: Facts) -> list[str]:
    looked = "decoded in full" if facts.decoded else "header and end of each read"
    return [
        f"frames      {facts.frames:,}; per clip {facts.least} to {facts.most}, median {facts.median:g}; "
        f"{facts.under_16:,} clips under 16, {facts.exactly_16:,} with exactly 16",
        f"pictures    {_tally(facts.sizes)}; {_tally(facts.suffixes)}; {facts.unreadable:,} unreadable ({looked})",
    ]


def _tally(counts: Mapping[str, int], shown: int = 4) -> str:
    ranked: Sequence[tuple[str, int]] = sorted(counts.items(), key=lambda item: -item[1])
    return some([f"{name} ({count:,})" for name, count in ranked], shown) or "none"


def _counts_table(facts: Facts) -> list[str]:
    rows = [[fold, part, sum(row), *row] for fold, parts in facts.counts.items() for part, row in parts.items()]
    table = tabulate(rows, headers=["fold", "part", "clips", *facts.classes], tablefmt="simple", intfmt=",")
    return table.splitlines()
