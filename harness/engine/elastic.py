"""The processes (ranks) of one run, started and watched by torch's elastic launch, as `torchrun` does.

They end with the process that started them, however it ends; when one of them dies the others are ended; and when this
process is asked to stop (engine/stop.py), so are they.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.elastic.multiprocessing.errors import ChildFailedError, ProcessFailure
from torch.distributed.launcher.api import LaunchConfig, elastic_launch

from harness.engine import stop
from harness.engine.parent import end_with_parent
from harness.errors import HarnessError, RunError, RunStopped

log = logging.getLogger(__name__)

GRACE = 30  # seconds that the other ranks are given to end when one has failed
BLAME = 2.0  # seconds that a rank whose collective broke waits, so that the one that died is seen to be first
POLL = 0.2  # seconds between two looks at whether this process was asked to stop
# What the launch logs of a failure is said here in one line, and its traceback goes to the run's log.
LOUD = (
    "torch.distributed.elastic.agent.server.api",
    "torch.distributed.elastic.multiprocessing.api",
    "torch.multiprocessing.spawn",
)
# The launch must take over some signal. SIGTERM, with which it would end the ranks unsaved, stays with stop.listening.
LEFT_TO_THE_LAUNCH = signal.SIGQUIT

Say = Callable[[str, Any], None]


@dataclass
class _Heard:
    """What the ranks have said: who they are, and how they ended."""

    hear: Say
    pids: list[int] = field(default_factory=list)
    errors: list[HarnessError] = field(default_factory=list)

    def take(self, kind: str, content: Any) -> None:
        if kind == "pid":
            self.pids.append(content)
        elif kind == "error":
            self.errors.append(content)
        else:
            self.hear(kind, content)


def run_ranks(where: str, nproc: int, work: Callable[..., None], *arguments: Any, hear: Say) -> None:
    """Call `work(say, *arguments)` in `nproc` new processes on this machine and wait for all of them.

    `work` must be importable and its arguments picklable; what a rank says by `say(kind, content)` is given to `hear`,
    in a thread. where: what an error is about. Errors: the HarnessError that a rank raised (RunStopped: by all, saved),
    or RunError naming the rank that died and of what.
    """
    said, heard, failure = multiprocessing.get_context("spawn").SimpleQueue(), _Heard(hear), None
    with _beside(_listen, said, heard), _beside(_pass_on, over := threading.Event(), heard):
        try:
            with tempfile.TemporaryDirectory(prefix="audfer-ranks-") as folder, _untouched():
                elastic_launch(_launch_config(nproc, folder), _rank)(said, work, arguments)
        except ChildFailedError as error:
            failure = next(iter(error.failures.items()))
        finally:
            over.set()
            said.put(None)
    if heard.errors:
        raise heard.errors[0]
    if failure:
        raise RunError(f"{where}: {_named(*failure, nproc)}")


def _launch_config(nproc: int, folder: str) -> LaunchConfig:
    return LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=nproc,
        run_id=uuid.uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        local_addr="localhost",
        max_restarts=0,
        monitor_interval=0.1,
        shutdown_timeout=GRACE,
        signals_to_handle=LEFT_TO_THE_LAUNCH.name,
        logs_specs=DefaultLogsSpecs(log_dir=folder),
    )


def _rank(said: Any, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    # Ctrl-C goes to the whole group of processes: the parent asks us to stop.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with_parent()
    # SLURM sends the signal of its time limit to every process of a job.
    with stop.listening(signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2):
        said.put(("pid", os.getpid()))
        try:
            work(lambda kind, content: said.put((kind, content)), *arguments)
        except RunStopped as error:
            # All ranks stop together. Ended as if done, none is killed for being slower to save.
            said.put(("error", error))
        except HarnessError as error:
            said.put(("error", error))
            sys.exit(1)
        except Exception:
            time.sleep(BLAME)
            raise


def _listen(said: Any, heard: _Heard) -> None:
    while (event := said.get()) is not None:
        heard.take(*event)


def _pass_on(over: threading.Event, heard: _Heard) -> None:
    """Once this process is asked to stop, ask each rank, now or as soon as it listens."""
    told: set[int] = set()
    while not over.wait(POLL):
        if stop.asked():
            for pid in set(heard.pids) - told:
                told.add(pid)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)


def _named(rank: int, failure: ProcessFailure, nproc: int) -> str:
    """Which rank failed and of what, without its traceback, which goes to the log."""
    if isinstance(failure.message, dict):
        extra = failure.message.get("extraInfo", {})
        log.error("rank %d: %s", rank, extra.get("py_callstack", ""))
        what = str(failure.message.get("message", "")).splitlines()[0]
        return f"rank {rank} of {nproc} failed ({what}); its log.txt says where"
    if failure.exitcode < 0:
        name = signal.Signals(-failure.exitcode).name
        return f"rank {rank} of {nproc} was killed ({name}), perhaps for memory; give the same command again"
    return f"rank {rank} of {nproc} ended with exit code {failure.exitcode}; give the same command again"


@contextmanager
def _beside(work: Callable[..., None], *arguments: Any) -> Iterator[None]:
    """Have `work` done in a thread, which ends by what is done within the context."""
    thread = threading.Thread(target=work, args=arguments, daemon=True)
    thread.start()
    yield
    thread.join()


@contextmanager
def _untouched() -> Iterator[None]:
    """Keeps the launch's log off the terminal, and gives its signal back at the end."""
    levels = {name: logging.getLogger(name).level for name in LOUD}
    handler = signal.getsignal(LEFT_TO_THE_LAUNCH)
    for name in LOUD:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
        if threading.current_thread() is threading.main_thread():
            signal.signal(LEFT_TO_THE_LAUNCH, handler)
