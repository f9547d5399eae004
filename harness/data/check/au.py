"""AU files against the clips: there, whole, from frame 1, as long as the clip. Only the ends of each file are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from harness.data.check.report import Finding, error, many, note, some

END_BYTES = 1 << 14
"""More than a header and a line of OpenFace's 714 columns, some 7 and 5 kB."""


@dataclass(frozen=True)
class AuEnds:
    """First and last frame number of an AU file, or why they cannot be read. openface: it has OpenFace's columns."""

    found: bool
    first: int = 0
    last: int = 0
    openface: bool = True
    fault: str = ""


def read_ends(path: Path) -> AuEnds:
    """First and last frame of an AU file, from its first and last two lines."""
    try:
        with path.open("rb") as file:
            head = [file.readline() for _ in range(2)]
            length = file.seek(0, 2)
            file.seek(max(0, length - END_BYTES))
            tail = file.read().rstrip()
    except OSError as error:
        return AuEnds(found=path.exists(), fault=error.strerror or "cannot be read")
    if not length:
        return AuEnds(True, fault="empty file")
    columns = _cells(head[0])
    if "frame" not in columns:
        return AuEnds(True, fault="parted by semicolons" if b";" in head[0] else "no column 'frame'")
    if not head[1].strip():
        return AuEnds(True, fault="no line after the first")
    return _ends(columns, _cells(head[1]), _cells(tail[tail.rfind(b"\n") + 1 :]))


def au_findings(
    openface_dir: Path, where: str, frames: Mapping[str, int], *, exact: bool, workers: int
) -> tuple[int | None, int | None, list[Finding]]:
    """Clips (or videos) with and without an AU file, and what is wrong with the files.

    frames: clip -> frames it has (video -> number of its last labelled frame). exact: the file may not go on after the
    last frame, since the clip is whole. Both numbers are None where the folder is missing.
    """
    if not openface_dir.is_dir():
        return None, None, [note("au-none", where, "no such folder")]
    with ThreadPoolExecutor(workers) as pool:
        read = pool.map(read_ends, (openface_dir / f"{name}.csv" for name in frames))
        ends = dict(zip(frames, read, strict=True))
    missing = [name for name, end in ends.items() if not end.found]
    findings = [*_contents(where, ends, frames, exact), *_extra(openface_dir, where, frames)]
    if missing:
        what = f"{len(missing):,} of {many(len(ends), 'file')} missing: {some(missing)}"
        findings.insert(0, error("au-missing", where, what))
    return len(ends) - len(missing), len(missing), findings


def _cells(line: bytes) -> list[str]:
    return [cell.strip() for cell in line.decode("utf-8-sig", "replace").split(",")]


def _ends(columns: list[str], first: list[str], last: list[str]) -> AuEnds:
    place = columns.index("frame")
    if len(last) != len(columns):
        return AuEnds(True, fault="last line cut off")
    try:
        return AuEnds(True, int(float(first[place])), int(float(last[place])), "success" in columns)
    except (ValueError, IndexError):
        return AuEnds(True, fault="a frame number that is none")


def _contents(where: str, ends: Mapping[str, AuEnds], frames: Mapping[str, int], exact: bool) -> Iterator[Finding]:
    bad = [f"{name} ({end.fault})" for name, end in ends.items() if end.found and end.fault]
    good = {name: end for name, end in ends.items() if end.found and not end.fault}
    start = [f"{name} ({end.first})" for name, end in good.items() if end.openface and end.first != 1]
    length = {name: end.last + (not end.openface and end.first == 0) for name, end in good.items()}
    said = {name: f"{name} ({length[name]} for {frames[name]})" for name in good if frames[name]}
    short = [text for name, text in said.items() if length[name] < frames[name]]
    long = [text for name, text in said.items() if exact and length[name] > frames[name]]
    for kind, names, what in (
        ("au-unreadable", bad, "cannot be read"),
        ("au-start", start, "whose first frame is not 1"),
        ("au-short", short, "shorter than the clip"),
        ("au-long", long, "longer than the clip"),
    ):
        if names:
            yield error(kind, where, f"{many(len(names), 'file')} {what}: {some(names)}")


def _extra(openface_dir: Path, where: str, frames: Mapping[str, int]) -> Iterator[Finding]:
    names = (str(path.relative_to(openface_dir).with_suffix("")) for path in sorted(openface_dir.rglob("*.csv")))
    extra = [name for name in names if name not in frames]
    if extra:
        yield note("au-extra", where, f"{many(len(extra), 'file')} of no listed clip: {some(extra)}")
