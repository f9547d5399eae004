"""`audfer data check`: is this the published data set? Every difference is a line with its likely cause and remedy."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.data.check.au import au_findings
from harness.data.check.frames import (
    Progress,
    Scans,
    folder_of,
    frame_counts,
    frame_facts,
    frame_findings,
    other_folder,
    scan_folders,
)
from harness.data.check.lists import is_part_only, list_findings, read_parts, upstream_findings
from harness.data.check.places import root_finding, unlisted
from harness.data.check.report import CheckReport, Facts, Finding
from harness.data.counts import Lists, Rows, class_counts, matches_published
from harness.dataset_manifest import DatasetManifest

FromUpstream = Mapping[str, tuple[Lists, Rows]]


def check(
    manifest: DatasetManifest,
    root: Path,
    *,
    lists: Lists | None = None,
    upstream_lists: FromUpstream | None = None,
    decode: bool = False,
    workers: int = 2,
    progress: Progress | None = None,
) -> CheckReport:
    """Compare the data set at `root` with what is published of it; nothing that is wrong with it raises.

    lists: to be checked in place of the data set's own. upstream_lists: upstream -> its lists and the frames per clip
    they hold, from `read_upstream_lists`. decode: decode every picture instead of reading its beginning and end.
    workers: threads; more than cores only help where the disk is slow. progress: called with folders done and all.
    """
    began = time.perf_counter()
    misplaced = root_finding(root, manifest)
    if misplaced:
        return CheckReport(Facts(manifest.title, str(root), manifest.classes), (misplaced,))
    read, findings = (lists, list[Finding]()) if lists is not None else read_parts(root, manifest)
    findings += list_findings(read, manifest)
    comparable = {} if is_part_only(read, manifest) else dict(upstream_lists or {})
    findings += upstream_findings(read, manifest, comparable)
    facts = _list_facts(manifest, root, read, comparable)
    if facts.clips:
        whole = not any(finding.kind.startswith("list-") for finding in findings)
        more, found = _frames(manifest, root, facts, _names(read), comparable, whole, decode, workers, progress)
        facts, findings = more, findings + found
    return CheckReport(_with(facts, seconds=time.perf_counter() - began), tuple(findings))


def _names(lists: Lists) -> list[str]:
    return list(dict.fromkeys(name for parts in lists.values() for rows in parts.values() for name in rows))


def _with(facts: Facts, **changes: Any) -> Facts:
    return Facts(**{**vars(facts), **changes})


def _list_facts(manifest: DatasetManifest, root: Path, lists: Lists, upstream: FromUpstream) -> Facts:
    counts = {fold: {part: class_counts(rows, manifest) for part, rows in lists[fold].items()} for fold in lists}
    published = matches_published(lists, manifest) if manifest.counts else None
    return Facts(manifest.title, str(root), manifest.classes, counts, published, tuple(upstream), len(_names(lists)))


def _frames(
    manifest: DatasetManifest, root: Path, facts: Facts, names: list[str], upstream: FromUpstream, whole: bool,
    decode: bool, workers: int, progress: Progress | None,
) -> tuple[Facts, list[Finding]]:  # fmt: skip
    folders = list(dict.fromkeys(folder_of(name, manifest) for name in names))
    began = time.perf_counter()
    scans = scan_folders(root / manifest.frames_dir, folders, decode=decode, workers=workers, progress=progress)
    seconds = time.perf_counter() - began
    counts = frame_counts(names, scans, manifest)
    pictures = sum(scan.pictures for scan in scans.values())
    facts = _with(facts, **frame_facts(counts, scans), decoded=decode, pictures_per_second=pictures / seconds)
    listed = {name: frames for name, (_, frames) in upstream.items() if frames}
    findings = list(frame_findings(root, manifest, counts, scans, listed, facts))
    findings += other_folder(root, manifest, counts, workers)
    if whole:
        findings += unlisted(root, manifest, folders)
    found, missing, wrong = _au(manifest, root, counts, scans, workers)
    return _with(facts, au_found=found, au_missing=missing), findings + wrong


def _au(
    manifest: DatasetManifest, root: Path, counts: Mapping[str, int], scans: Scans, workers: int
) -> tuple[int | None, int | None, list[Finding]]:
    """AU files: of the clips, or of the videos whose stretches the clips are."""
    needed = dict(counts)
    if manifest.layout == "affwild2":
        needed = {name: scan.numbers[-1] if scan.numbers else 0 for name, scan in scans.items()}
    published = manifest.frames_per_clip
    exact = manifest.layout != "affwild2" and published is not None and published.most > published.least
    return au_findings(root / manifest.openface_dir, manifest.openface_dir, needed, exact=exact, workers=workers)
