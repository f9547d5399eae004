"""The text of a patch that only inserts lines, read by a grammar that has no room for a line of the upstream.

    reason          one or more lines, at least four words
    diff --git a/PATH b/PATH
    index OLD..NEW 100644          both blob ids in full
    --- a/PATH
    +++ b/PATH
    @@ -12,0 +13,2 @@              nothing behind the second @@
    +our line
    +our line

then more hunks and more files, and nothing else. Anything else is refused with its line number. git itself is more
lenient; whatever it would read differently from this module is therefore not a patch here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.upstream.manifest import UpstreamError

_DIFF = re.compile(r"diff --git a/([A-Za-z0-9._/-]+) b/([A-Za-z0-9._/-]+)")
_INDEX = re.compile(r"index ([0-9a-f]{40})\.\.([0-9a-f]{40}) (100644|100755)")
_HUNK = re.compile(r"@@ -(\d+),0 \+(\d+)(?:,(\d+))? @@")
_LIKE_A_DIFF = ("diff ", "index ", "--- ", "+++ ", "@@ ", "+", "-")


@dataclass(frozen=True)
class FileChange:
    """What a patch does to one file: blob ids before and after, and the inserted lines."""

    path: str
    old: str
    new: str
    inserted: tuple[str, ...]


@dataclass(frozen=True)
class PatchText:
    """A patch: the reason at its head, and the files it changes."""

    reason: str
    changes: tuple[FileChange, ...]

    @property
    def inserted(self) -> int:
        """Number of inserted lines."""
        return sum(len(change.inserted) for change in self.changes)


def parse_patch(data: bytes, where: str) -> PatchText:
    """The patch in `data`; UpstreamError `where:LINE: what, what to do` if it does anything but insert lines."""
    lines = _Lines(data, where)
    reason = _reason(lines)
    changes = []
    while not lines.at_end():
        changes.append(_file(lines))
    if not changes:
        raise lines.fault("inserts nothing; a patch has at least one hunk")
    return PatchText(reason, tuple(changes))


class _Lines:
    """A cursor over the lines of a patch, for messages with line numbers."""

    def __init__(self, data: bytes, where: str) -> None:
        text = data.decode("utf-8", "surrogateescape")
        self.where = where
        self.number = 0
        self.lines = text.split("\n")
        if self.lines.pop() != "":
            raise UpstreamError(f"{where}:{len(self.lines) + 1}: ends without a newline; end its last line")

    def at_end(self) -> bool:
        return self.number >= len(self.lines)

    def peek(self) -> str:
        return "" if self.at_end() else self.lines[self.number]

    def take(self) -> str:
        self.number += 1
        return self.lines[self.number - 1] if self.number <= len(self.lines) else ""

    def fault(self, what: str) -> UpstreamError:
        return UpstreamError(f"{self.where}:{max(self.number, 1)}: {what}")


def _reason(lines: _Lines) -> str:
    head = []
    while not lines.at_end() and not lines.peek().startswith("diff "):
        head.append(lines.take())
        if head[-1].startswith(_LIKE_A_DIFF):
            raise lines.fault("a line of the head looks like a line of a diff; write the reason in other words")
    reason = "\n".join(head).strip()
    if len(reason.split()) < 4:
        raise lines.fault("its head does not give the reason; write it before the first `diff --git`")
    return reason


def _file(lines: _Lines) -> FileChange:
    names = _DIFF.fullmatch(lines.take())
    if not names or names[1] != names[2]:
        raise lines.fault(
            "`diff --git a/PATH b/PATH` with one plain path is due here; only inserted lines go before it"
        )
    ids = _blob_ids(lines)
    for due in (f"--- a/{names[1]}", f"+++ b/{names[1]}"):
        if lines.take() != due:
            raise lines.fault(f"`{due}` is due here, as the `diff --git` line says")
    inserted = _hunk(lines)
    while lines.peek().startswith("@@"):
        inserted += _hunk(lines)
    if ids[1] == ids[2]:
        raise lines.fault(
            f"the blob ids of {names[1]} before and after are the same: it inserts nothing; make it again"
        )
    return FileChange(names[1], ids[1], ids[2], tuple(inserted))


def _blob_ids(lines: _Lines) -> re.Match[str]:
    line = lines.take()
    if re.match(r"(new|deleted|old) (file )?mode|rename |copy |(dis)?similarity |GIT binary|Binary ", line):
        raise lines.fault("does something else than insert lines into a file; insert only")
    ids = _INDEX.fullmatch(line)
    if not ids:
        raise lines.fault("lacks `index OLD..NEW MODE` with full blob ids; make it with harness.upstream.make_patch")
    return ids


def _hunk(lines: _Lines) -> list[str]:
    header = _hunk_header(lines)
    inserted = []
    for _ in range(int(header[3] or 1)):
        if not lines.peek().startswith("+"):
            raise _not_inserted(lines)
        inserted.append(lines.take()[1:])
    if not inserted:
        raise lines.fault("the hunk inserts nothing; take it out")
    if lines.peek() != "" and not lines.peek().startswith(("@@", "diff ")):
        raise _not_inserted(lines)
    return inserted


def _hunk_header(lines: _Lines) -> re.Match[str]:
    line = lines.take()
    header = _HUNK.match(line)
    if not header:
        raise lines.fault("`@@ -N,0 +M,K @@` is due here: a hunk that removes no line and repeats none as context")
    if header.end() != len(line):
        raise lines.fault("text of the upstream stands behind the second @@; strip it")
    return header


def _not_inserted(lines: _Lines) -> UpstreamError:
    line = lines.take()
    if line.startswith("-"):
        return lines.fault("removes a line of the upstream; insert only")
    if line.startswith(" "):
        return lines.fault("repeats a line of the upstream as context; make it with -U0")
    if line.startswith("+"):
        return lines.fault("has more inserted lines than its hunk header says; make it again")
    return lines.fault("an inserted line is due here, or the end; take out whatever else follows a hunk")
