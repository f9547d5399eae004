"""Who is at a run: each attempt at it is a numbered file in its directory, and the highest number has the run.

A claim is taken by link(2) of the next number, which is atomic on a local disk and on NFS alike: flock(2) is not, there
it may hold on one host alone. Numbers are never taken away, so one that was taken stays taken, whatever a host's cache
of the folder says. An attempt is over when its file says so; it is stale when its process is gone (the same machine)
or its file has not been touched for STALE_AFTER seconds (another machine). Times are those of the file system.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from harness.errors import RunClaimed, RunError, RunStopped
from harness.files import write_text

ATTEMPTS = "attempts"  # folder in a run directory
NUMBERED = re.compile(r"(\d{4,})\.json")
BEAT = 15.0  # seconds between two touches of a live attempt
STALE_AFTER = 180.0  # seconds; an NFS client may show a time that is a minute old
LOST_CLAIM = 76  # exit code of a process that finds its run taken over


@dataclass(frozen=True)
class Owner:
    """A process: `place` is its machine (boot and pid namespace), `start` its start in ticks since boot.

    job: its SLURM job, as squeue writes it, and how often SLURM has started this job again.
    """

    host: str
    place: str
    pid: int
    start: int
    parent: int
    parent_start: int
    job: str | None = None
    restart: int = 0

    def __str__(self) -> str:
        return f"SLURM job {self.job} on {self.host}" if self.job else f"{self.host} pid {self.pid}"


@dataclass(frozen=True)
class Attempt:
    """One attempt at a run. ended: None, done, stopped or failed, with `why`. epochs: the lines of epochs it closed."""

    number: int
    owner: Owner
    since: str
    ended: str | None = None
    why: str = ""
    epochs: tuple[dict[str, Any], ...] = field(default_factory=tuple)


class Claim:
    """The present attempt, kept alive by a thread that touches its file."""

    def __init__(self, run_dir: Path, attempt: Attempt) -> None:
        self.run_dir, self.attempt = run_dir, attempt
        self._over = threading.Event()
        self._write = threading.Lock()
        threading.Thread(target=self._beat, daemon=True).start()

    def epoch(self, record: dict[str, Any]) -> None:
        """Note the line of a closed epoch."""
        self._put(replace(self.attempt, epochs=(*self.attempt.epochs, record)))

    def end(self, ended: str, why: str = "") -> None:
        """Give the run back."""
        self._over.set()
        self._put(replace(self.attempt, ended=ended, why=why))

    def _put(self, attempt: Attempt) -> None:
        with self._write:
            self.attempt = attempt
            write_text(_path(self.run_dir, attempt.number), _text(attempt))

    def _beat(self) -> None:
        while not self._over.wait(BEAT):
            with suppress(OSError):
                os.utime(_path(self.run_dir, self.attempt.number))
            if _highest(self.run_dir) > self.attempt.number:
                # This process slept for so long that another has the run now: nothing more of it may be written.
                os._exit(LOST_CLAIM)


def last_attempt(run_dir: Path) -> Attempt | None:
    """The attempt with the highest number; None if there was none. One that cannot be read has an unknown owner."""
    number = _highest(run_dir)
    return _read(run_dir, number) if number else None


def attempts(run_dir: Path) -> list[Attempt]:
    """All attempts at a run, in order."""
    return [_read(run_dir, number) for number in range(1, _highest(run_dir) + 1)]


def holds(run_dir: Path, attempt: Attempt, settle: bool = True) -> bool:
    """Whether the attempt still has its run. settle: wait where only time can tell, else say yes."""
    owner = attempt.owner
    if attempt.ended:
        return False
    if owner.place == _place():
        return started(owner.pid) == owner.start
    if owner.job and owner.job == _slurm_job() and owner.restart < _restart():
        return False  # SLURM starts a job again only once it has ended
    return _silent(run_dir, attempt.number, settle) < STALE_AFTER


@contextmanager
def claimed(run_dir: Path, patience: float = 0.0) -> Iterator[tuple[Claim, Attempt | None]]:
    """Hold the run for as long as the context lasts; also yields the stale attempt that was taken over, if any.

    How the context ends is how the attempt does: done, stopped (RunStopped) or failed (any other error, its first
    line). RunClaimed if another has the run and still has it after `patience` seconds.
    """
    claim, before = _claim(run_dir, patience)
    try:
        yield claim, before
    except RunStopped as error:
        claim.end("stopped", str(error))
        raise
    except BaseException as error:
        # A disk that is full must not hide why the run failed.
        with suppress(OSError):
            claim.end("failed", (str(error).splitlines() or [type(error).__name__])[0])
        raise
    claim.end("done")


def bury(run_dir: Path, pid: int, ended: str, why: str) -> None:
    """End the attempt of a process of this machine that its parent saw die."""
    attempt = last_attempt(run_dir)
    if attempt and not attempt.ended and (attempt.owner.pid, attempt.owner.place) == (pid, _place()):
        write_text(_path(run_dir, attempt.number), _text(replace(attempt, ended=ended, why=why)))


def this_process() -> Owner:
    """This process as an owner."""
    pid, parent = os.getpid(), os.getppid()
    return Owner(socket.gethostname(), _place(), pid, started(pid), parent, started(parent), _slurm_job(), _restart())


def started(pid: int) -> int:
    """When a process of this machine started, in ticks since boot; -1 if it is gone, a zombie too."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return -1
    state, *rest = text.rpartition(")")[2].split()
    return -1 if state in "ZX" else int(rest[18])


def ask_to_end(pid: int, start: int) -> bool:
    """Send SIGTERM to a process of this machine if it is still the one that started then."""
    if start < 0 or started(pid) != start:
        return False
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
        return True
    return False


def on_this_machine(owner: Owner) -> bool:
    """Whether the owner's process can be seen from here."""
    return owner.place == _place()


def _claim(run_dir: Path, patience: float) -> tuple[Claim, Attempt | None]:
    deadline = time.monotonic() + patience
    while True:
        last = last_attempt(run_dir)
        if last is None or not holds(run_dir, last):
            attempt = Attempt((last.number if last else 0) + 1, this_process(), datetime.now(UTC).isoformat())
            if _link(run_dir, attempt):
                return Claim(run_dir, attempt), last if last and not last.ended else None
        elif time.monotonic() >= deadline:
            raise RunClaimed(f"{run_dir}: {last.owner} is at this run since {last.since[:19]}; wait for it or end it")
        time.sleep(0.1)


def _link(run_dir: Path, attempt: Attempt) -> bool:
    """Take the attempt's number, with its file whole from the first moment; False if it is taken."""
    place = _path(run_dir, attempt.number)
    place.parent.mkdir(exist_ok=True)
    draft = place.with_name(f".{place.name}.{uuid.uuid4().hex[:8]}")
    write_text(draft, _text(attempt))
    try:
        os.link(draft, place)
    except FileExistsError:
        # NFS may answer so to the one whose first answer was lost: then both names are one file.
        return draft.stat().st_nlink == 2
    except OSError as error:
        raise RunError(f"{place}: cannot be linked ({error.strerror}); give an --out that knows hard links") from error
    finally:
        draft.unlink()
    return True


def _silent(run_dir: Path, number: int, settle: bool) -> float:
    """Seconds since the attempt was touched, by the clock of the file system."""
    before = _touched(run_dir, number)
    age = _clock(run_dir) - before
    if age > -STALE_AFTER or not settle:
        return age
    # Its clock was set back since. A live owner touches its file again within two beats.
    time.sleep(2 * BEAT)
    return 0.0 if _touched(run_dir, number) != before else STALE_AFTER


def _touched(run_dir: Path, number: int) -> float:
    with _path(run_dir, number).open("rb") as file:  # opened: an NFS client then asks the server
        return os.fstat(file.fileno()).st_mtime


def _clock(run_dir: Path) -> float:
    probe = run_dir / ATTEMPTS / f".now.{uuid.uuid4().hex[:8]}"
    try:
        probe.touch()
        return probe.stat().st_mtime
    except OSError:
        return time.time()  # a folder that this process may only read
    finally:
        probe.unlink(missing_ok=True)


def _highest(run_dir: Path) -> int:
    try:
        names = os.listdir(run_dir / ATTEMPTS)
    except OSError:
        return 0
    return max((int(match[1]) for name in names if (match := NUMBERED.fullmatch(name))), default=0)


def _path(run_dir: Path, number: int) -> Path:
    return run_dir / ATTEMPTS / f"{number:04d}.json"


def _text(attempt: Attempt) -> str:
    return json.dumps(asdict(attempt), indent=1) + "\n"


def _read(run_dir: Path, number: int) -> Attempt:
    try:
        data = json.loads(_path(run_dir, number).read_text(encoding="utf-8"))
        owner = Owner(**{key.name: data["owner"][key.name] for key in fields(Owner)})
        return Attempt(number, owner, str(data["since"]), data["ended"], str(data["why"]), tuple(data["epochs"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Attempt(number, Owner("unknown", "", 0, -1, 0, -1), "unknown")


def _slurm_job() -> str | None:
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID")


def _restart() -> int:
    count = os.environ.get("SLURM_RESTART_COUNT", "0")
    return int(count) if count.isdecimal() else 0


@lru_cache(maxsize=1)
def _place() -> str:
    """This boot of this machine, and the pid namespace: a pid says something only within one."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot} {os.readlink('/proc/self/ns/pid')}"
