"""Split lists as text: lines, classes by name, and clips that stand where they may.

Every slip is refused by file, line and likely cause: a list that is not read as it was meant changes every number.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from harness.data.counts import PARTS, Lists, Rows
from harness.dataset_manifest import DatasetManifest
from harness.errors import DataError

PUBLISHED = "take the published list"
SHOWN = 80
"""Characters of a faulty line that an error shows."""


class Line(NamedTuple):
    """A line of a list: its number from 1, and its text without blanks at the ends."""

    number: int
    text: str


def read_lines(path: Path) -> list[Line]:
    """The lines of a list that are not blank; a byte order mark and CRLF change nothing.

    Errors: DataError if the file cannot be read, is no UTF-8 text, holds NUL bytes, or has no line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        why = error.strerror
        raise DataError(f"{path}: split list cannot be read ({why}); put the published lists there") from error
    lines = [Line(number, line.strip()) for number, line in enumerate(_text(path, data).split("\n"), start=1)]
    found = [line for line in lines if line.text]
    if not found:
        raise DataError(f"{path}: the list is empty; {PUBLISHED}")
    return found


def _text(path: Path, data: bytes) -> str:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(f"{path}:{line}: not UTF-8, the encoding of the published list; {PUBLISHED}") from error
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        why = "a file saved as UTF-16, or one that was not written to its end"
        raise DataError(f"{path}:{line}: holds NUL bytes ({why}); {PUBLISHED}")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def refused(path: Path, line: Line, why: str, remedy: str = PUBLISHED) -> DataError:
    """The error that names a line; to be raised."""
    shown = line.text if len(line.text) <= SHOWN else line.text[:SHOWN] + "..."
    return DataError(f"{path}:{line.number}: {shown!r} {why}; {remedy}")


def labels_of(manifest: DatasetManifest) -> dict[str, int]:
    """What the lists write for a class -> its label."""
    return {str(token): label for label, token in enumerate(manifest.labels.values())}


def rows_of(path: Path, clips: Iterable[tuple[Line, str, str]], manifest: DatasetManifest) -> dict[str, int]:
    """Clip name -> label, in the list's order, of (line, clip name, class as written); ignored classes are left out.

    Errors: DataError if a clip is listed twice, a class is unknown, or no clip is left.
    """
    labels = labels_of(manifest)
    rows: dict[str, int] = {}
    seen: dict[str, int] = {}
    for line, name, token in clips:
        if name in seen:
            raise refused(path, line, f"lists clip {name} twice, first in line {seen[name]}")
        seen[name] = line.number
        if leads_out(name):
            raise refused(path, line, "names a clip outside the folder of clips")
        if token in labels:
            rows[name] = labels[token]
        elif token not in manifest.ignored:
            raise refused(path, line, _no_label(token, manifest), _remedy(manifest))
    if not rows:
        raise DataError(f"{path}: the list has no clip of {manifest.title}; {PUBLISHED}")
    return rows


def leads_out(name: str) -> bool:
    """Whether a clip's name, which ends a path, would lead out of the folder it is joined to."""
    return not {".", "..", ""}.isdisjoint(name.split("/"))


def _no_label(token: str, manifest: DatasetManifest) -> str:
    allowed = ", ".join(str(name) if name == ours else f"{name} {ours}" for ours, name in manifest.labels.items())
    return f"has no label of {manifest.title} ({allowed}): {_cause(token, manifest)}"


def _cause(token: str, manifest: DatasetManifest) -> str:
    numbered = all(isinstance(name, int) for name in manifest.labels.values())
    if numbered and token == "0":
        return "repositories number the classes from 0, the published lists from 1"
    if numbered and not token.lstrip("-").isdecimal():
        return "the published list has a whole number there"
    if token.isdecimal() and not numbered:
        return (
            "a number where the published list has a name, so it looks like a list of another repository, whose class "
            "order differs"
        )
    for known in (*labels_of(manifest), *manifest.ignored):
        if known.casefold() == token.casefold():
            return f"it is written {known}"
    return "no class is written so"


def _remedy(manifest: DatasetManifest) -> str:
    upstreams = "|".join(one.upstream for one in manifest.upstream_lists)
    return f"{PUBLISHED}, or give --lists {upstreams}" if upstreams else PUBLISHED


def semicolons(line: Line, separator: str) -> str:
    """What to say of a line without its separator: semicolons are named, since spreadsheets write them."""
    name = {",": "commas", " ": "blanks"}[separator]
    return f"has semicolons in place of {name}" if ";" in line.text else ""


def check_lists(lists: Lists, manifest: DatasetManifest, where: Path) -> None:
    """DataError if a clip is in train and test of one fold, or has two classes in two lists.

    `where`: the lists' folder or data root, for the message.
    """
    known: dict[str, tuple[int, str]] = {}
    for fold, parts in lists.items():
        shared = [name for name in parts["test"] if name in parts["train"]]
        if shared:
            more = f" and {len(shared) - 1} more" if len(shared) > 1 else ""
            raise DataError(f"{where}: fold {fold}: clip {shared[0]}{more} in train and test; take the published lists")
        for place, name, label in _members(fold, parts["train"], parts["test"]):
            first, place_of_first = known.setdefault(name, (label, place))
            if first != label:
                here, there = manifest.classes[label], manifest.classes[first]
                raise DataError(
                    f"{where}: clip {name} is {there} in {place_of_first} and {here} in {place}; "
                    "take the lists of one release"
                )


def _members(fold: int, train: Rows, test: Rows) -> Iterator[tuple[str, str, int]]:
    for part, rows in zip(PARTS, (train, test), strict=True):
        place = f"{part} of fold {fold}"
        for name, label in rows.items():
            yield place, name, label
