"""Kill experiments with -9 at random moments, give them again, compare what they leave with those of a whole run.

`python tests/faults/killing.py 100 --seed 0` kills a small experiment (rendering, packing, runs of two models with
and without the AU loss, tables) a hundred times. Each time it draws when, and whom: all of its processes, the parent
alone, or one of its workers. Given again until it ends, an experiment must leave the bytes of the undisturbed one:
predictions of every run, and tables. A new experiment begins when one has ended.

The commands are run in forks of a process that has the libraries loaded, their workers too, since a hundred kills
would otherwise be spent on importing torch; a checkpoint is saved after every step, and the clock jumps back all the
time. The undisturbed experiment is run once more as it is, and must leave the same bytes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from small import experiment

EXPERIMENT = experiment("killed", ["mae_dfer", "m3dfel"], epochs=2)
DURATIONS = ("seconds", "input_seconds", "evaluation_seconds")
TABLES = ("table1.csv", "table2.csv", "table3.csv", "verdicts.csv", "confusion.csv")
PHASES = (
    ("rendering", "rendering clips"),
    ("packing", "packing clips"),
    ("planned", " runs: "),
    ("training", "epoch "),
    ("runs ended", "finished, "),
)
"""How far a log has come, by what its lines hold; later ones count."""


def start(arguments: list[str], work: Path) -> subprocess.Popen[str]:
    """Start `audfer ARGUMENTS` with its data and runs below `work`; its log is read from stderr."""
    places = ["--cache", str(work / "data"), "--out", str(work / "runs")]
    command = [sys.executable, "-m", "harness.cli", *arguments, *places]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=work)


def kill_when(arguments: list[str], work: Path, moment: Callable[[str], bool]) -> str | None:
    """Kill the command with -9 at the first log line that `moment` is true of; returns that line."""
    process = start(arguments, work)
    assert process.stderr is not None
    for line in process.stderr:
        if moment(line):
            os.kill(process.pid, signal.SIGKILL)
            process.communicate()
            return line
    process.communicate()
    return None


def predictions(work: Path) -> dict[str, bytes]:
    """The bytes of every run's predictions by the path of the run."""
    runs = work / "runs"
    return {str(path.parent.relative_to(runs)): path.read_bytes() for path in sorted(runs.rglob("predictions.parquet"))}


def finish(arguments: list[str], work: Path) -> None:
    """Let the command end; its log is shown if it fails."""
    process = start(arguments, work)
    _, log = process.communicate()
    assert process.returncode == 0, log


@dataclass(frozen=True)
class Kill:
    """One kill: after how many seconds, of whom, how far the log had come, and the exit status of the parent."""

    seconds: float
    whom: str
    phase: str
    status: int
    said: str


@dataclass
class Tally:
    """What came of the kills: those done, and what was not as it should be."""

    kills: list[Kill] = field(default_factory=list)
    experiments: int = 0
    faults: list[str] = field(default_factory=list)


def descendants(pid: int) -> list[int]:
    """The processes below a process, from /proc."""
    found = []
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            for child in children.read_text().split():
                found += [int(child), *descendants(int(child))]
        except OSError:
            continue
    return found


class Forked:
    """`audfer ARGUMENTS` in a fork of this process, in a session of its own; its log is `<folder>/log.txt`."""

    def __init__(self, arguments: list[str], folder: Path) -> None:
        self.log = folder / "log.txt"
        self.pid = os.fork()
        if self.pid == 0:
            _be(arguments, folder, self.log)

    def wait(self, seconds: float) -> int | None:
        """Its exit status, minus the signal that ended it; None if it still runs after `seconds`."""
        deadline = time.monotonic() + seconds
        while True:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                return os.waitstatus_to_exitcode(status)
            if time.monotonic() > deadline:
                return None
            time.sleep(0.01)

    def lines(self) -> list[str]:
        """The log so far."""
        return self.log.read_text(encoding="utf-8", errors="replace").splitlines() if self.log.is_file() else []


def _be(arguments: list[str], folder: Path, log: Path) -> None:
    """The fork: the command line, as if it had been started there, under worse conditions; never returns."""
    code = 1
    try:
        os.setsid()
        os.chdir(folder)
        file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
        os.dup2(file, 1)
        os.dup2(file, 2)
        sys.argv = ["audfer", *arguments]
        _worsen()
        from harness.cli import main

        main()
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _worsen() -> None:
    """A checkpoint after every step, a clock that jumps back up to a day, and workers that are forks too."""
    from harness.engine import train

    train.CHECKPOINT_SECONDS = -1.0
    time_of_day, context = time.time, multiprocessing.get_context
    time.time = lambda: time_of_day() - random.SystemRandom().uniform(0, 86_400)
    multiprocessing.get_context = lambda _=None: context("fork")  # type: ignore[assignment, return-value]


def _load() -> None:
    """Import what the commands import late, so that the forks have it."""
    import harness.analysis.audit.whole
    import harness.analysis.flops
    import harness.cli
    import harness.console
    import harness.report.write
    import harness.runs.experiment
    import harness.runs.worker  # noqa: F401


def strike(process: Forked, whom: str, draw: random.Random) -> str:
    """Kill `all`, `parent` or `worker`, and say who it was; the parent if there is no worker yet."""
    below = descendants(process.pid)
    if whom == "all":
        os.killpg(process.pid, signal.SIGKILL)
    elif whom == "worker" and below:
        os.kill(draw.choice(below), signal.SIGKILL)
    else:
        whom = "parent"
        os.kill(process.pid, signal.SIGKILL)
    return whom


def one(process: Forked, seconds: float, whom: str, draw: random.Random) -> Kill | None:
    """Kill a command that runs, after `seconds`; None if it had ended by then."""
    status = process.wait(seconds)
    if status is not None:
        return None if status == 0 else _seen(process, seconds, "nobody", status)
    try:
        whom = strike(process, whom, draw)
    except ProcessLookupError:
        whom = "nobody"
    status = process.wait(600)
    assert status is not None, f"the parent outlived the kill of {whom}: " + "\n".join(process.lines())
    return _seen(process, seconds, whom, status)


def _seen(process: Forked, seconds: float, whom: str, status: int) -> Kill:
    lines = process.lines()
    return Kill(seconds, whom, _phase(lines), status, lines[-1].strip() if lines else "")


def _phase(lines: list[str]) -> str:
    text = "\n".join(lines)
    return ([name for name, part in PHASES if part in text] or ["starting"])[-1]


class Victim:
    """A small experiment in a folder of its own: `run`, then `report`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        (folder / "killed.toml").write_text(EXPERIMENT, encoding="utf-8")

    def commands(self) -> dict[str, list[str]]:
        """The arguments of both commands."""
        return {
            "run": ["run", "killed.toml", "--cache", "data", "--out", "runs"],
            "report": ["report", "runs/killed", "--out", "report", "--no-figures"],
        }

    def left(self) -> dict[str, bytes]:
        """What it left behind that must be the same bytes every time."""
        for path in (self.folder / "runs").rglob("epochs.jsonl"):
            for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
                assert min(line[name] for name in DURATIONS) >= 0, f"{path}: time went back"
        tables = {name: (self.folder / "report" / name).read_bytes() for name in TABLES}
        return {**predictions(self.folder), **tables}


def kill_many(kills: int, seed: int, folder: Path, say: Callable[[str], None]) -> Tally:
    """Kill small experiments `kills` times in all, from a seed; every one that ends is compared with a whole one."""
    draw, tally = random.Random(seed), Tally()
    whole, plain = Victim(folder / "whole"), Victim(folder / "plain")
    spans = {stage: _timed(Forked(arguments, whole.folder)) for stage, arguments in whole.commands().items()}
    expected = whole.left()
    say(f"undisturbed: run {spans['run']:.1f} s, report {spans['report']:.1f} s; {len(expected)} files to compare")
    for arguments in plain.commands().values():
        subprocess.run(
            [sys.executable, "-m", "harness.cli", *arguments], cwd=plain.folder, check=True, capture_output=True
        )
    if plain.left() != expected:
        tally.faults.append("the undisturbed experiment differs from the one that is not forked")
    while len(tally.kills) < kills:
        victim = Victim(folder / f"killed{tally.experiments}")
        _until_done(victim, spans, kills, draw, tally, say)
        tally.experiments += 1
        left = victim.left()
        different = sorted(name for name in {*left, *expected} if expected.get(name) != left.get(name))
        if different:
            tally.faults.append(f"{victim.folder.name}: {', '.join(different)} differ")
        shutil.rmtree(victim.folder)
    return tally


def _timed(process: Forked) -> float:
    began = time.monotonic()
    status = process.wait(3600)
    assert status == 0, "\n".join(process.lines())
    return time.monotonic() - began


def _until_done(
    victim: Victim, spans: dict[str, float], kills: int, draw: random.Random, tally: Tally, say: Callable[[str], None]
) -> None:
    """Kill an experiment again and again until it has ended; without any kill once there were enough."""
    for stage, arguments in victim.commands().items():
        while True:
            enough = len(tally.kills) >= kills
            # What is made of a run stays, so it ends some day; a report begins anew each time and needs a chance.
            longest = spans[stage] * (1 if stage == "run" else 4)
            seconds = 3600.0 if enough else draw.uniform(0, longest)
            kill = one(Forked(arguments, victim.folder), seconds, draw.choice(["all", "parent", "worker"]), draw)
            if kill is None:
                break
            kill = replace(kill, phase="report" if stage == "report" else kill.phase)
            tally.faults += _ill_ended(kill)
            assert len(tally.faults) < 10, "\n".join(tally.faults)
            if kill.whom != "nobody":
                tally.kills.append(kill)
            told = f"{kill.seconds:.1f} s, {kill.whom}, {kill.phase}, status {kill.status}: {kill.said}"
            say(f"{len(tally.kills)}: {told}")


def _ill_ended(kill: Kill) -> Iterator[str]:
    """A command whose worker was killed ends with 2 and one line, or does without the worker; others end well."""
    if kill.whom == "nobody" and kill.status != 0:
        yield f"failed without a kill ({kill.phase}): status {kill.status}, last line {kill.said!r}"
    if kill.whom == "worker" and kill.status != 0 and not (kill.status == 2 and kill.said.startswith("audfer: ")):
        yield f"worker killed ({kill.phase}): status {kill.status}, last line {kill.said!r}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kills", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    _load()
    with tempfile.TemporaryDirectory() as folder:
        tally = kill_many(options.kills, options.seed, Path(folder), lambda line: print(line, flush=True))
    for what in ("whom", "phase"):
        counted = Counter(getattr(kill, what) for kill in tally.kills)
        print(f"{what}: {', '.join(f'{count} {name}' for name, count in counted.most_common())}")
    good = f"{tally.experiments - len({fault for fault in tally.faults if 'differ' in fault})} of {tally.experiments}"
    print(f"{len(tally.kills)} kills (seed {options.seed}) in {tally.experiments} experiments; {good} left the bytes")
    print("\n".join(tally.faults) or "no fault")
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
