"""Bad input, many times: `python tests/faults/fuzzing.py 10000 --seed 0` gives readers inputs that were changed.

A case is one file of a target (targets.py) changed at random. The reader may accept it, or refuse it: by a
HarnessError of one line that names the file or its folder and says what to do, and leaves every file as it was.
Anything else is a bug; its input is kept below --keep.
"""

from __future__ import annotations

import argparse
import hashlib
import logging
import re
import signal
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

from target import Target
from targets import TARGETS

from harness.errors import HarnessError

SECONDS = 20
"""A case that takes longer hangs."""
MADE = ("out", "clips", "frames", "page.md", "j.xml", "pack")
"""What a reader writes while it accepts: not there before, so removed after the case."""


class HangsError(Exception):
    """A reader took longer than SECONDS."""


@dataclass(frozen=True)
class Outcome:
    """What came of one case: accepted, refused, or a bug with what it shows; the error's text or the traceback."""

    verdict: str
    why: str = ""


def made(folder: Path, wanted: str = "") -> list[tuple[Target, Path]]:
    """The targets whose names hold `wanted`, each with the folder of its files."""
    places = [(make, Path(tempfile.mkdtemp(prefix="target", dir=folder))) for make in TARGETS]
    return [(target, place) for make, place in places for target in [make(place)] if wanted in target.name]


def case(target: Target, folder: Path, draw: Random) -> tuple[Outcome, str, bytes]:
    """Change one file, read, judge, and put everything back; returns the outcome, the file and its changed bytes."""
    name = draw.choice(target.files)
    genuine = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    changed = target.mutate(genuine[folder / name], draw)
    (folder / name).write_bytes(changed)
    try:
        outcome = _judged(target, folder)
    finally:
        _put_back(folder, genuine)
    return outcome, name, changed


def _put_back(folder: Path, genuine: dict[Path, bytes]) -> None:
    """The files as they were, and no other."""
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif path.is_file() and path not in genuine:
            path.unlink()
    for path, content in genuine.items():
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def _judged(target: Target, folder: Path) -> Outcome:
    try:
        read_from = target.seal(folder) if target.seal else folder
    except HarnessError as error:
        return _refusal(error, folder, target, {}, {})
    before = _tree(read_from)
    signal.alarm(SECONDS)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            target.read(read_from)
    except HarnessError as error:
        return _refusal(error, read_from, target, before, _tree(read_from))
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Outcome("bug", f"{type(error).__name__}: {error}\n{traceback.format_exc()}")
    finally:
        signal.alarm(0)
    return Outcome("accepted")


def _refusal(
    error: HarnessError, folder: Path, target: Target, before: dict[Path, bytes], after: dict[Path, bytes]
) -> Outcome:
    """A refusal is one line that names the place and the remedy, and nothing has changed."""
    text = str(error)
    if len(text.splitlines()) != 1 or re.search(r"[\x00-\x08\x0a-\x1f]", text):
        return Outcome("bug", f"not one line: {text!r}")
    if str(folder) not in text and not target.names:
        return Outcome("bug", f"does not name the file: {text}")
    if not re.search(r"[;,:] \w|\(\w", text):
        return Outcome("bug", f"says no remedy: {text}")
    if changed := [str(path) for path in {*before, *after} if _lasting(path) and before.get(path) != after.get(path)]:
        return Outcome("bug", f"refused ({text}) and changed: {', '.join(sorted(changed)[:3])}")
    return Outcome("refused", text)


def _lasting(path: Path) -> bool:
    """What a refusal must not touch: not what work goes on from, nor the error that a page tells on purpose."""
    return not any(".partial" in part or part in MADE for part in path.parts) or (
        path.parts[0] == "out" and not any(".partial" in part or part == "pack" for part in path.parts)
    )


def _tree(folder: Path) -> dict[Path, bytes]:
    """Every file and folder below `folder`, with the hash of its bytes."""
    return {
        path.relative_to(folder): hashlib.sha256(path.read_bytes()).digest() if path.is_file() else b""
        for path in folder.rglob("*")
    }


def fuzz(
    cases: int, seed: int, targets: Sequence[tuple[Target, Path]], keep: Path | None = None
) -> tuple[dict[str, Counter[str]], dict[str, str]]:
    """Counts by target and verdict, and one example of each bug by where it arises."""
    signal.signal(signal.SIGALRM, _hangs)
    logging.disable()
    shares = [target.weight for target, _ in targets]
    draw = Random(seed)
    counts: dict[str, Counter[str]] = {target.name: Counter() for target, _ in targets}
    bugs: dict[str, str] = {}
    for number in range(cases):
        (target, place), own = draw.choices(targets, shares)[0], draw.randrange(2**63)
        outcome, name, changed = case(target, place, Random(own))
        counts[target.name][outcome.verdict] += 1
        if outcome.verdict == "bug":
            kind = f"{target.name}: {_signature(outcome.why)}"
            bugs.setdefault(kind, f"case {number}, {name}: {outcome.why}")
            if keep:
                kept = keep / target.name.replace(" ", "-") / f"{number}-{Path(name).name}"
                kept.parent.mkdir(parents=True, exist_ok=True)
                kept.write_bytes(changed)
    return counts, bugs


def _hangs(_: int, __: FrameType | None) -> None:
    raise HangsError(f"takes longer than {SECONDS} s")


def _signature(why: str) -> str:
    """Where a bug arises: its first words, and the last line of the harness in its traceback."""
    places = re.findall(r'harness/(\S+?)", line (\d+)', why)
    return f"{why.splitlines()[0][:60]} @ {places[-1] if places else ''}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", default="", help="only targets whose names hold this")
    parser.add_argument("--keep", type=Path, help="folder for the inputs of bugs")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        targets = made(Path(folder), options.target)
        counts, bugs = fuzz(options.cases, options.seed, targets, options.keep)
    total: Counter[str] = sum(counts.values(), Counter())
    for name, count in {**counts, "all": total}.items():
        print(f"| {name} | {sum(count.values())} | {count['accepted']} | {count['refused']} | {count['bug']} |")
    for kind, example in bugs.items():
        print(f"\nBUG {kind}\n{example}")
    return 1 if bugs else 0


if __name__ == "__main__":
    sys.exit(main())
