"""The split lists against the published counts and against the lists that the upstreams' repositories hold."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.data.check.places import list_elsewhere
from harness.data.check.report import Finding, error, many, note, some
from harness.data.counts import (
    PARTS,
    CountDifference,
    Lists,
    Rows,
    class_counts,
    count_differences,
    published_counts,
)
from harness.data.readers import READERS
from harness.dataset_manifest import DatasetManifest
from harness.errors import DataError

MESSAGE = re.compile(r"^(?P<where>.+?\.(?:csv|txt)|[^:]+)(?::\d+)?: (?P<what>.*?)(?:; (?P<remedy>[^;]*))?$", re.DOTALL)
WITH_LISTS = ("dfew", "ferv39k", "mafw")
"""Layouts that have split lists; the others' folds follow from actors or folders."""
KNOWN_ORDERS = {
    "Former-DFER's and DFER-CLIP's (happy first)": (
        "happy", "sad", "neutral", "angry", "surprise", "disgust", "fear",
        "contempt", "anxiety", "helplessness", "disappointment",
    ),
    "MAE-DFER's for MAFW": (
        "angry", "disgust", "fear", "happy", "neutral", "sad", "surprise",
        "contempt", "anxiety", "helplessness", "disappointment",
    ),
    "the alphabetical one of S2D, S4D and HNrbs-DFER": (
        "angry", "anxiety", "contempt", "disappointment", "disgust", "fear",
        "happy", "helplessness", "neutral", "sad", "surprise",
    ),
}  # fmt: skip
"""Label orders in public repositories (field notes, section 5), by our class names."""


def read_parts(root: Path, manifest: DatasetManifest) -> tuple[dict[int, dict[str, Rows]], list[Finding]]:
    """Every list that can be read, and a finding for the others: a broken list does not hide the rest."""
    lists: dict[int, dict[str, Rows]] = {}
    failed: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for fold in range(1, manifest.folds + 1):
        lists[fold] = {}
        for part in PARTS:
            try:
                lists[fold][part] = READERS[manifest.layout].part(root, manifest, fold, part)
            except DataError as error:
                finding = _unread(str(error), root, manifest)
                failed[finding.kind, finding.cause].append(finding)
    return lists, [_together(findings) for findings in failed.values()]


def list_findings(lists: Lists, manifest: DatasetManifest) -> Iterator[Finding]:
    """Counts, clips in two parts, clips with two classes. Lists that could not be read are left out."""
    yield from _counts(lists, manifest)
    for fold, parts in lists.items():
        shared = sorted(set(parts.get("train", {})) & set(parts.get("test", {})))
        if shared:
            yield error("train-and-test", f"fold {fold}", f"{many(len(shared), 'clip')} in both: {some(shared)}")
    yield from _tested_twice(lists)
    yield from _two_classes(lists, manifest)


def upstream_findings(
    lists: Lists, manifest: DatasetManifest, upstream: Mapping[str, tuple[Lists, Rows]]
) -> Iterator[Finding]:
    """The lists against each upstream's, clip by clip; a difference to several upstreams is said once."""
    found: dict[Finding, list[str]] = defaultdict(list)
    for name, (theirs, _) in upstream.items():
        for finding in (*_other_clips(lists, theirs), *_other_labels(lists, theirs, manifest)):
            found[finding].append(name)
    for finding, names in found.items():
        yield replace(finding, what=f"{finding.what} (against {', '.join(names)})")


def _unread(message: str, root: Path, manifest: DatasetManifest) -> Finding:
    match = MESSAGE.match(message)
    where, what, remedy = (match["where"], match["what"], match["remedy"]) if match else (str(root), message, None)
    path = Path(where)
    inside = str(path.relative_to(root)) if path.is_relative_to(root) else where
    kind, cause = _why(path, manifest)
    there = list_elsewhere(root, manifest, path) if kind == "list-missing" else ""
    if there:
        cause, remedy = f"the lists lie in {there}", f"move or link that folder to {manifest.split_dir}"
    return error(kind, inside, what, cause, remedy or "")


def _why(path: Path, manifest: DatasetManifest) -> tuple[str, str]:
    """Kind and likely cause of a list that its reader refused."""
    if not path.exists():
        return "list-missing", ""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines() if path.is_file() else []
    except (OSError, UnicodeDecodeError):
        return "list-unreadable", "not a text file, or in another encoding than UTF-8"
    cells = [[cell.strip() for cell in re.split(r"[,;\t]", line)] for line in lines if line.strip()]
    if cells and manifest.layout == "dfew":
        body = cells if any(character.isdigit() for character in cells[0][-1]) else cells[1:]
        if {row[-1] for row in body} <= set("0123456") and any(row[-1] == "0" for row in body):
            return "labels-from-zero", ""
        if body is cells:
            return "header-missing", ""
    return "list-unreadable", ""


def _together(findings: Sequence[Finding]) -> Finding:
    first = findings[0]
    if len(findings) == 1:
        return first
    rest = f" (and so {len(findings) - 1} more: {some(finding.where for finding in findings[1:])})"
    return replace(first, what=first.what + rest)


def _counts(lists: Lists, manifest: DatasetManifest) -> Iterator[Finding]:
    if not manifest.counts:
        cause = "" if manifest.published else "this is not a published data set"
        yield note("counts-unpublished", manifest.title, "no public class counts to compare with", cause)
        return
    found: dict[tuple[int, str], list[CountDifference]] = defaultdict(list)
    for difference in count_differences(lists, manifest):
        if difference.part in lists.get(difference.fold, {}):
            found[difference.fold, difference.part].append(difference)
    if not found:
        return
    whole = _whole(lists, manifest)
    yield from whole or (_part(lists, manifest, fold, part, rows) for (fold, part), rows in found.items())


def is_part_only(lists: Lists, manifest: DatasetManifest) -> bool:
    """Whether the lists that can be read hold fewer than half of the published clips."""
    pairs = [(sum(class_counts(rows, manifest)), sum(published_counts(manifest, fold, part) or ()))
             for fold, parts in lists.items() for part, rows in parts.items()]  # fmt: skip
    return 2 * sum(found for found, _ in pairs) < sum(published for _, published in pairs)


def _whole(lists: Lists, manifest: DatasetManifest) -> list[Finding]:
    """A cause that explains the counts of all lists at once."""
    if is_part_only(lists, manifest):
        clips = len({name for parts in lists.values() for rows in parts.values() for name in rows})
        counts = next(iter(manifest.counts.values()))
        published = sum(counts.train) + sum(counts.test)
        return [error("not-published", manifest.title, f"{many(clips, 'clip')} listed, {published:,} published")]
    order = _counted_order(lists, manifest)
    if order:
        return [error("label-order", manifest.title, f"by their counts, {_moved(order)}", _known(order, manifest))]
    return []


def _counted_order(lists: Lists, manifest: DatasetManifest) -> dict[str, str] | None:
    """Class as read -> class whose published counts it has, if that is another order of the classes; else None."""
    places = [(fold, part) for fold, parts in lists.items() for part in parts]
    ours = list(zip(*(class_counts(lists[f][p], manifest) for f, p in places), strict=True))
    published = list(zip(*(published_counts(manifest, f, p) or () for f, p in places), strict=True))
    if ours == published or Counter(ours) != Counter(published):
        return None
    left = [i for i, counts in enumerate(published) if counts != ours[i]]
    order = {name: name for name in manifest.classes}
    for position in list(left):
        partner = next(i for i in left if published[i] == ours[position])
        left.remove(partner)
        order[manifest.classes[position]] = manifest.classes[partner]
    return order


def _moved(order: Mapping[str, str]) -> str:
    return some((f"{read} is {true}" for read, true in order.items() if read != true), shown=len(order))


def _known(order: Mapping[str, str], manifest: DatasetManifest) -> str:
    """The cause of a shifted order, with the repository that has it."""
    whose = [
        w for w, known in KNOWN_ORDERS.items() if list(order.values()) == [name for name in known if name in order]
    ]
    if whose:
        return f"a list in the label order of another repository: {' or '.join(whose)}"
    return f"a list in another label order, by position: {', '.join(order[name] for name in manifest.classes)}"


def _part(lists: Lists, manifest: DatasetManifest, fold: int, part: str, rows: Sequence[CountDifference]) -> Finding:
    where = f"fold {fold} {part}"
    what = "; ".join(f"{row.expression} {row.found:,} for {row.expected:,}" for row in rows)
    by = sum(row.found - row.expected for row in rows)
    if len(rows) == 1 and by == -1 and manifest.layout in WITH_LISTS:
        total = sum(class_counts(lists[fold][part], manifest))
        return error("first-line-dropped", where, f"{total:,} clips for {total + 1:,}: {what}")
    found = class_counts(lists[fold][part], manifest)
    for number, other in ((n, p) for n in range(1, manifest.folds + 1) for p in PARTS):
        if found == published_counts(manifest, number, other) != published_counts(manifest, fold, part):
            kind = "fold-exchanged" if other == part else "parts-exchanged"
            return error(kind, where, what, f"this is the published list of fold {number} {other}")
    return error("class-count", where, f"{what} ({by:+,} clips)", _why_counts(manifest, by))


def _why_counts(manifest: DatasetManifest, by: int) -> str:
    if by == 0:
        return ""
    if by < 0 and manifest.layout == "mafw":
        return "a cut list; HiCMAE's lists of MAFW lack 16 clips"
    if by < 0 and manifest.layout in ("ravdess", "affwild2"):
        return "not all of the data set is unpacked"
    return "a cut or filtered list" if by < 0 else "lists of two releases or parts put together"


def _tested_twice(lists: Lists) -> Iterator[Finding]:
    tested = Counter(name for parts in lists.values() for name in parts.get("test", {}))
    twice = sorted(name for name, folds in tested.items() if folds > 1)
    if twice:
        yield error("tested-twice", "test lists", f"{many(len(twice), 'clip')} in two folds: {some(twice)}")


def _two_classes(lists: Lists, manifest: DatasetManifest) -> Iterator[Finding]:
    seen: dict[str, set[int]] = defaultdict(set)
    for parts in lists.values():
        for rows in parts.values():
            for name, label in rows.items():
                seen[name].add(label)
    both = {name: sorted(labels) for name, labels in seen.items() if len(labels) > 1}
    if both:
        named = [f"{name} ({' and '.join(manifest.classes[i] for i in labels)})" for name, labels in both.items()]
        yield error("labels-between-folds", "lists", f"{many(len(both), 'clip')} of two classes: {some(named)}")


def _other_clips(lists: Lists, theirs: Lists) -> Iterator[Finding]:
    for fold, parts in lists.items():
        for part, rows in parts.items():
            listed = theirs.get(fold, {}).get(part, {})
            gone = [name for name in listed if name not in rows]
            extra = [name for name in rows if name not in listed] if listed else []
            cause = "the list's first line was dropped" if gone and gone == list(listed)[:1] else _whose(rows, theirs)
            what = [
                f"{many(len(names), 'clip')} {how}: {some(names)}"
                for names, how in ((gone, "lacking"), (extra, "too many"))
                if names
            ]
            if what:
                yield error("clips-upstream", f"fold {fold} {part}", "; ".join(what), cause)


def _whose(rows: Rows, theirs: Lists) -> str:
    """The cause when the clips are those of another list; '' if they are of none."""
    places = ((fold, part) for fold, parts in theirs.items() for part in parts)
    return next((f"these are the clips of fold {f} {p}" for f, p in places if theirs[f][p].keys() == rows.keys()), "")


def _other_labels(lists: Lists, theirs: Lists, manifest: DatasetManifest) -> Iterator[Finding]:
    pairs = Counter[tuple[int, int]]()
    odd: dict[str, str] = {}
    for fold, parts in lists.items():
        for part, rows in parts.items():
            listed = theirs.get(fold, {}).get(part, {})
            for name in rows.keys() & listed.keys():
                pairs[rows[name], listed[name]] += 1
                if rows[name] != listed[name]:
                    odd[name] = f"{name} ({manifest.classes[rows[name]]} for {manifest.classes[listed[name]]})"
    if not odd:
        return
    cause, what = "", f"{many(len(odd), 'clip')} of another class"
    if len({ours for ours, _ in pairs}) == len({their for _, their in pairs}) == len(pairs):
        order = {name: name for name in manifest.classes}
        order |= {manifest.classes[ours]: manifest.classes[their] for ours, their in pairs}
        cause, what = _known(order, manifest), f"{what}, throughout: {_moved(order)}"
    yield error("labels-upstream", "lists", f"{what}: {some(odd[name] for name in sorted(odd))}", cause)
