"""A comparison of two summaries for three readers: a person in a terminal, a CI job's page, a CI job's parser."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any

from harness.analysis.regress import Check, Verdict, passed
from harness.analysis.summary import Bands
from harness.report.markdown import pipe_table

# Heading of the checks of each verdict, in the order in which a reader needs them; what is the same is only counted.
LISTED: dict[Verdict, str] = {
    "failed": "Failed",
    "vanished": "Vanished: in the baseline only",
    "warning": "Warnings",
    "appeared": "Appeared: in the candidate only",
    "within": "Changed within the band",
    "skipped": "Not compared",
    "note": "To know",
}
COLUMNS = ("Check", "Baseline", "Candidate", "Why")
LONGEST = 60  # characters of a value in a table; the JUnit file has it whole
MOST = 200  # rows of one list


def verdict_line(checks: Sequence[Check]) -> str:
    """`Unchanged: 120 checks, none failed, ...` or `Regressed: 3 of 120 checks failed, ...`."""
    counts = Counter(check.verdict for check in checks)
    failed = sum(check.failed for check in checks)
    more = f"{_plural(counts['warning'], 'warning')}, {counts['appeared']} appeared, {counts['vanished']} vanished"
    if passed(checks):
        return f"Unchanged: {_plural(len(checks), 'check')}, none failed; {more}"
    return f"Regressed: {failed} of {_plural(len(checks), 'check')} failed; {more}"


def lines(checks: Sequence[Check]) -> list[str]:
    """The verdict, then a line for each check that failed, warns or appeared."""
    told = [check for verdict in ("failed", "vanished", "warning", "appeared") for check in _of(checks, verdict)]
    return [verdict_line(checks), *(f"{check.verdict}: {check.name}: {_change(check)}" for check in told)]


def as_json(checks: Sequence[Check]) -> dict[str, Any]:
    """Everything, for --json."""
    return {"passed": passed(checks), "verdict": verdict_line(checks), "checks": [asdict(check) for check in checks]}


def markdown(checks: Sequence[Check], baseline: str, candidate: str, bands: Bands | None) -> str:
    """The page of a CI job: verdict, what was compared, then the checks by verdict."""
    parts = [f"# {verdict_line(checks)}", f"Baseline `{baseline}`, candidate `{candidate}`. {_how(bands)}"]
    for verdict, heading in LISTED.items():
        found = _of(checks, verdict)
        if found:
            parts.append(f"## {heading} ({len(found)})")
            parts.append(pipe_table(COLUMNS, [_row(check) for check in found[:MOST]], left=4).rstrip())
            if len(found) > MOST:
                parts.append(f"{len(found) - MOST} more; the JUnit file has them all.")
    return "\n\n".join(parts) + "\n"


def junit(checks: Sequence[Check]) -> str:
    """JUnit XML: one test case per check, in one suite per group."""
    root = ET.Element("testsuites", name="audfer regress")
    for group in dict.fromkeys(check.group for check in checks):
        _suite(root, group, [check for check in checks if check.group == group])
    return _xml(root)


def markdown_of_error(message: str) -> str:
    """The page when there was nothing to compare."""
    return f"# Input at fault: nothing was compared\n\n{message}\n"


def junit_of_error(message: str) -> str:
    """One test case with an error, so that a parser never takes a comparison that did not happen for a pass."""
    root = ET.Element("testsuites", name="audfer regress")
    suite = ET.SubElement(root, "testsuite", name="input", tests="1", failures="0", errors="1", skipped="0")
    case = ET.SubElement(suite, "testcase", classname="audfer.regress.input", name="the two summaries can be read")
    ET.SubElement(case, "error", message=message)
    return _xml(root)


def _suite(root: ET.Element, group: str, checks: Sequence[Check]) -> None:
    failures, skipped = sum(check.failed for check in checks), sum(check.verdict == "skipped" for check in checks)
    counts = {"tests": len(checks), "failures": failures, "errors": 0, "skipped": skipped}
    suite = ET.SubElement(root, "testsuite", name=group, attrib={name: str(count) for name, count in counts.items()})
    for check in checks:
        case = ET.SubElement(suite, "testcase", classname=f"audfer.regress.{group}", name=check.name)
        if check.failed:
            ET.SubElement(case, "failure", message=f"{check.verdict}: {_change(check)}")
        elif check.verdict == "skipped":
            ET.SubElement(case, "skipped", message=_change(check))
        elif check.verdict != "same":
            ET.SubElement(case, "system-out").text = f"{check.verdict}: {_change(check)}"


def _xml(root: ET.Element) -> str:
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _how(bands: Bands | None) -> str:
    if bands is None:
        return "The baseline is a report: it has no bands, and only the same WAR and UAR pass."
    controls = "; ".join(
        f"`{one.name}` (seeds {', '.join(map(str, one.seeds))}; {', '.join(one.devices)})" for one in bands.controls
    )
    if len(bands.controls) == 1:
        return f"One control report, {controls}: the band is unknown, and only the same WAR and UAR pass."
    return f"Bands: {bands.rule}. Controls: {controls}."


def _of(checks: Iterable[Check], verdict: str) -> list[Check]:
    return [check for check in checks if check.verdict == verdict]


def _row(check: Check) -> tuple[str, ...]:
    return check.name, _short(check.before), _short(check.after), check.why


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _change(check: Check) -> str:
    values = " -> ".join(value for value in (check.before, check.after) if value)
    return f"{values} ({check.why})" if values and check.why else values or check.why


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
