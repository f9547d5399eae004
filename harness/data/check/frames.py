"""The clips' frames against the published ones: which are there, how many, how numbered, what pictures."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path, PurePosixPath
from statistics import median

from harness.data.check.pictures import MISNAMED, FolderScan, scan_folder
from harness.data.check.places import elsewhere
from harness.data.check.report import Facts, Finding, error, many, note, some
from harness.data.counts import Rows
from harness.dataset_manifest import DatasetManifest

Progress = Callable[[int, int], None]
Scans = Mapping[str, FolderScan]
SIXTEEN = 16
MOSTLY = 0.9
"""Share of clips from which on a slip is called one of the whole folder, not of single clips."""


def folder_of(name: str, manifest: DatasetManifest) -> str:
    """The folder under `frames_dir` with a clip's frames; a stretch `<video>/<first>-<last>` lies in its video's."""
    return str(PurePosixPath(name).parent) if manifest.layout == "affwild2" else name


def scan_folders(
    frames_dir: Path, names: Sequence[str], *, look: bool = True, decode: bool = False, workers: int = 2,
    progress: Progress | None = None,
) -> dict[str, FolderScan]:  # fmt: skip
    """Scan the named folders in threads; `progress(done, folders)` is called after each."""
    scans = {}
    with ThreadPoolExecutor(workers) as pool:
        for scan in pool.map(partial(scan_folder, frames_dir, look=look, decode=decode), names):
            scans[scan.name] = scan
            if progress:
                progress(len(scans), len(names))
    return scans


def frame_counts(names: Sequence[str], scans: Scans, manifest: DatasetManifest) -> dict[str, int]:
    """Frames of each clip; 0 where there is no folder."""
    if manifest.layout != "affwild2":
        return {name: scans[name].pictures for name in names}
    counts = {}
    for name in names:
        first, last = (int(number) for number in PurePosixPath(name).name.split("-"))
        numbers = scans[folder_of(name, manifest)].numbers
        counts[name] = bisect_right(numbers, last) - bisect_left(numbers, first)
    return counts


def frame_facts(counts: Mapping[str, int], scans: Scans) -> dict[str, object]:
    """The part of Facts that is about frames; clips without any are left out of least, median and most."""
    lengths = [count for count in counts.values() if count]
    sizes, suffixes = Counter[str](), Counter[str]()
    for scan in scans.values():
        sizes.update({f"{width} x {height}": number for (width, height), number in scan.sizes.items()})
        suffixes.update(scan.suffixes)
    return {
        "clips_with_frames": len(lengths), "frames": sum(lengths), "least": min(lengths, default=None),
        "median": float(median(lengths)) if lengths else None, "most": max(lengths, default=None),
        "under_16": sum(length < SIXTEEN for length in lengths), "exactly_16": lengths.count(SIXTEEN),
        "sizes": dict(sizes), "suffixes": dict(suffixes), "unreadable": len(unreadable(scans)),
    }  # fmt: skip


def unreadable(scans: Scans) -> list[str]:
    """`folder/file (why)` of every picture that cannot be read."""
    return [f"{s.name}/{file} ({fault})" for s in scans.values() for file, fault in s.faults if fault != MISNAMED]


def frame_findings(
    root: Path, manifest: DatasetManifest, counts: Mapping[str, int], scans: Scans,
    listed: Mapping[str, Rows], facts: Facts,
) -> Iterator[Finding]:  # fmt: skip
    """Everything wrong with the frames. counts: frames of each clip; listed: upstream -> clip -> frames it lists."""
    yield from _absent(root, manifest, counts, scans)
    sixteen = _sixteen(manifest, counts)
    if sixteen:  # then no clip has the listed length, which need not be said again
        yield sixteen
    else:
        lengths = list(_against_lists(manifest, counts, listed))
        yield from lengths or filter(None, [_distribution(manifest, facts)])
    yield from _numbering(manifest, scans)
    yield from _pictures(manifest, facts, scans)


def _absent(root: Path, manifest: DatasetManifest, counts: Mapping[str, int], scans: Scans) -> Iterator[Finding]:
    where = manifest.frames_dir
    missing = [name for name, scan in scans.items() if not scan.found]
    empty = [scan for scan in scans.values() if scan.found and not scan.pictures]
    bare = [name for name, count in counts.items() if not count and scans[folder_of(name, manifest)].pictures]
    if missing and not (root / where).is_dir():
        yield error("frames-missing", where, "no such folder", *elsewhere(root, manifest, missing[0]))
    elif missing:
        what = f"{len(missing):,} of {many(len(scans), 'folder')} missing: {some(missing)}"
        yield error("clip-missing", where, what, *elsewhere(root, manifest, missing[0]))
    if empty:
        what = f"{many(len(empty), 'folder')} without a picture: {some(scan.name for scan in empty)}"
        yield error("clip-empty", where, what, *_why_empty(empty[0]))
    if bare:
        what = f"{many(len(bare), 'stretch', 'stretches')} of annotated frames without a picture: {some(bare)}"
        cause = "the face was lost throughout, or frame numbers are off"
        yield note("clip-empty", where, what, cause, "compare the pictures' numbers with the lines of the annotation")


def _why_empty(scan: FolderScan) -> tuple[str, str]:
    if scan.nested:
        return f"the pictures are one level deeper, in {scan.name}/{scan.nested}", "move them up into the clip's folder"
    if scan.other:
        return f"pictures are {scan.other} files, which are not read", "convert them to the published kind"
    return "", ""


def _whole_sixteen(manifest: DatasetManifest) -> bool:
    """Whether the published data set has sixteen frames in every clip."""
    published = manifest.frames_per_clip
    return published is not None and published.least == published.most == SIXTEEN


def _sixteen(manifest: DatasetManifest, counts: Mapping[str, int]) -> Finding | None:
    lengths = [count for count in counts.values() if count]
    exactly, where = lengths.count(SIXTEEN), manifest.frames_dir
    what = f"{exactly:,} of {many(len(lengths), 'clip')} have exactly 16 frames"
    mostly = bool(lengths) and exactly >= MOSTLY * len(lengths)
    if not _whole_sixteen(manifest):
        return error("sixteen-frame-folder", where, what) if mostly and manifest.published else None
    if lengths and not mostly:
        return error("full-clip-folder", where, what)
    odd = [f"{name} ({count})" for name, count in counts.items() if count not in (0, SIXTEEN)]
    return error("frames-per-clip", where, f"{what}, not {some(odd)}") if odd else None


def other_folder(root: Path, manifest: DatasetManifest, counts: Mapping[str, int], workers: int) -> Iterator[Finding]:
    """The other folder of the same clips, if it is there: the same clips, and sixteen frames in one of the two."""
    if not manifest.other_frames_dir or not (root / manifest.other_frames_dir).is_dir():
        return
    scans = scan_folders(root / manifest.other_frames_dir, list(counts), look=False, workers=workers)
    there = {name: scan.pictures for name, scan in scans.items()}
    one = [name for name in counts if bool(counts[name]) != bool(there[name])]
    sixteen = counts if _whole_sixteen(manifest) else there
    odd = [name for name in counts if counts[name] and there[name] and sixteen[name] != SIXTEEN]
    where = f"{manifest.frames_dir} and {manifest.other_frames_dir}"
    if one:
        yield note("other-folder", where, f"{many(len(one), 'clip')} in one of the two only: {some(one)}")
    if odd:
        yield note("other-folder", where, f"{many(len(odd), 'clip')} not of 16 frames in either: {some(odd)}")


def _against_lists(
    manifest: DatasetManifest, counts: Mapping[str, int], listed: Mapping[str, Rows]
) -> Iterator[Finding]:
    for upstream, frames in listed.items():
        surplus = {name: counts[name] - frames[name] for name in frames if counts.get(name)}
        usual, clips = Counter(surplus.values()).most_common(1)[0] if surplus else (0, 0)
        if abs(usual) == 1 and clips >= MOSTLY * len(surplus):
            yield _off_by_one(manifest, usual, f"{clips:,} of {many(len(surplus), 'clip')} than in {upstream}'s lists")
            continue
        for kind, how, sign in (("frames-fewer", "fewer", -1), ("frames-more", "more", 1)):
            unlike = [name for name in surplus if surplus[name] * sign > 0]
            cause = "the list says 16 for shorter clips" if all(frames[name] == SIXTEEN for name in unlike) else ""
            if unlike:
                said = some(f"{name} ({counts[name]} for {frames[name]})" for name in unlike)
                what = f"{many(len(unlike), 'clip')} with {how} frames than {upstream}'s lists say: {said}"
                yield error(kind, manifest.frames_dir, what, cause if sign < 0 else "")


def _off_by_one(manifest: DatasetManifest, by: int, what: str) -> Finding:
    return error("off-by-one", manifest.frames_dir, f"one frame {'fewer' if by < 0 else 'more'} in {what}")


def _distribution(manifest: DatasetManifest, facts: Facts) -> Finding | None:
    published = manifest.frames_per_clip
    if published is None or facts.least is None or facts.median is None or facts.most is None:
        return None
    names = ("least", "median", "most", "clips under 16")
    found = (facts.least, facts.median, facts.most, facts.under_16)
    wanted = (published.least, published.median, published.most, published.under_16)
    by = {got - expected for got, expected in zip(found[:3], wanted[:3], strict=True)}
    if by in ({-1}, {1}):
        return _off_by_one(manifest, int(by.pop()), "the shortest, median and longest clip than published")
    pairs = zip(names, found, wanted, strict=True)
    what = ", ".join(f"{name} {got:g} for {expected:g}" for name, got, expected in pairs if got != expected)
    counts = manifest.counts.get("1")
    few = counts is not None and 2 * facts.clips < sum(counts.train) + sum(counts.test)
    if not what or few:
        return None
    # Other clips have other lengths anyway; only the published clips must have the published ones.
    if facts.counts_as_published:
        return error("frames-per-clip", manifest.frames_dir, what)
    return note("frames-per-clip", manifest.frames_dir, what, "these are not the published clips")


def _numbering(manifest: DatasetManifest, scans: Scans) -> Iterator[Finding]:
    video = manifest.layout == "affwild2"  # whose pictures are numbered by the video's frames, lost faces left out
    strict = error if manifest.frames_per_clip else note
    whole = [scan for scan in scans.values() if scan.numbers]
    start = [scan for scan in whole if scan.numbers[0] < 1 or (scan.numbers[0] > 1 and not video)]
    firsts = sorted({scan.numbers[0] for scan in start})
    gaps = [s for s in whole if not video and s.numbers[-1] - s.numbers[0] + 1 > len(set(s.numbers))]
    twice = [scan for scan in whole if len(set(scan.numbers)) < len(scan.numbers)]
    for make, kind, found, what in (
        (error if video else strict, "numbering-start", start, f"from number {some(map(str, firsts))} on instead of 1"),
        (strict, "numbering-gaps", gaps, "with numbers left out"),
        (error, "numbering-twice", twice, "with two pictures of one number"),
        (error, "numbering-none", [scan for scan in scans.values() if scan.unnumbered], "with a picture of no number"),
        (note, "padding-mixed", [scan for scan in whole if scan.mixed_padding], "with and without leading zeros"),
    ):
        if found:
            where = f"{many(len(found), 'folder')} {what}: {some(scan.name for scan in found)}"
            yield make(kind, manifest.frames_dir, where)


def _pictures(manifest: DatasetManifest, facts: Facts, scans: Scans) -> Iterator[Finding]:
    where, published, broken = manifest.frames_dir, manifest.picture, unreadable(scans)
    misnamed = [f"{scan.name}/{file}" for scan in scans.values() for file, fault in scan.faults if fault == MISNAMED]
    suffixes = [s for s in facts.suffixes if published and s not in published.suffixes]
    sides = {f"{side} x {side}" for side in published.sides} if published else set()
    odd = [size for size in facts.sizes if size not in sides]
    if broken:
        yield error("picture-unreadable", where, f"{many(len(broken), 'picture')}: {some(broken)}")
    if misnamed:
        yield note("picture-misnamed", where, f"{many(len(misnamed), 'picture')}: {some(misnamed)}")
    if published and suffixes:
        found = some(f"{facts.suffixes[suffix]:,} {suffix}" for suffix in suffixes)
        yield error("picture-suffix", where, f"{found} for {' or '.join(published.suffixes)}")
    if sides and odd:
        found = some(f"{size} ({many(facts.sizes[size], 'picture')})" for size in odd)
        yield error("picture-size", where, f"{found} for {' or '.join(sorted(sides))}")
    elif len(odd) > 1:
        yield note("picture-sizes", where, f"{len(odd):,} sizes: {some(odd)}")
