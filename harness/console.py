"""How the commands show their work: bars on a terminal, plain lines in a log; both on stderr."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from harness.manifest import RunConfig
from harness.runs.experiment import Bar, Watcher

LOG_SHARE = 0.25  # a log has a line for each quarter of a stage


class Display:
    """A context that shows stages, epochs and finished runs. On a terminal a bar each, else lines."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.live = self.console.is_terminal
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.console,
            disable=not self.live,
        )
        self.lock = threading.Lock()
        self.runs: dict[str, TaskID] = {}
        self.total = 0
        self.done = 0
        self.started = time.monotonic()

    def __enter__(self) -> Display:
        self.progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.progress.stop()

    def watcher(self) -> Watcher:
        """This display as the experiment's watcher."""
        return Watcher(self.stage, self.line, self.planned, self.epoch, self.finished)

    def line(self, text: str) -> None:
        """One plain line."""
        self.console.print(text, soft_wrap=True, markup=False)

    def stage(self, name: str) -> Bar:
        """A bar for a stage; it appears with the first step, so a stage that has nothing to do shows nothing."""
        state: dict[str, Any] = {"task": None, "logged": 0.0}

        def step(done: int, of: int) -> None:
            if self.live:
                if state["task"] is None:
                    state["task"] = self.progress.add_task(name, total=of)
                self.progress.update(state["task"], completed=done, total=of)
            elif done == of or done / of >= state["logged"] + LOG_SHARE:
                state["logged"] = done / of
                self.line(f"{name}: {done}/{of}")

        return step

    def planned(self, configs: list[RunConfig]) -> None:
        """How many runs are to come."""
        self.total = len(configs)
        first = configs[0]
        self.line(
            f"{len(configs)} runs: {first.experiment} on {first.dataset.title}, {first.device}, {first.precision}"
        )

    def epoch(self, config: RunConfig, record: dict[str, Any]) -> None:
        """An epoch of a run is over."""
        if self.live:
            with self.lock:
                if config.digest() not in self.runs:
                    self.runs[config.digest()] = self.progress.add_task(title(config), total=config.recipe.epochs)
            self.progress.update(self.runs[config.digest()], completed=record["epoch"])
        else:
            self.line(
                f"{title(config)}: epoch {record['epoch']}/{config.recipe.epochs}, loss {record['loss']:.4f}, "
                f"test WAR {100 * record['test_war']:.2f} UAR {100 * record['test_uar']:.2f}, "
                f"{record['clips_per_second']:.0f} clips/s"
            )

    def finished(self, config: RunConfig) -> None:
        """A run has its record."""
        with self.lock:
            self.done += 1
            if config.digest() in self.runs:
                self.progress.remove_task(self.runs.pop(config.digest()))
        self.line(f"[{self.done}/{self.total}] {title(config)} finished, {time.monotonic() - self.started:.0f} s")


def title(config: RunConfig) -> str:
    """A run in a few words."""
    return f"{config.model} {config.arm} fold {config.fold} seed {config.seed}"
