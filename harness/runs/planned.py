"""What launchers are given, whom they tell, and what they answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import RunError, RunStopped
from harness.manifest import RunConfig


@dataclass(frozen=True)
class Planned:
    """A run and its directory."""

    config: RunConfig
    run_dir: Path

    def done(self) -> bool:
        """Whether its record is finished."""
        return (self.run_dir / "DONE").is_file()


@dataclass(frozen=True)
class Tell:
    """Who hears of plain lines, of closed epochs and of finished runs."""

    line: Callable[[str], None] = lambda _: None
    epoch: Callable[[RunConfig, dict[str, Any]], None] = lambda *_: None
    run: Callable[[RunConfig], None] = lambda _: None


@dataclass
class Outcome:
    """What did not end well: a line for each run that failed, and the runs that were stopped or not begun."""

    failures: list[str] = field(default_factory=list)
    unfinished: list[Planned] = field(default_factory=list)

    def check(self, runs: int) -> None:
        """RunError if a run failed, else RunStopped if one is unfinished."""
        if self.failures:
            raise RunError(f"{len(self.failures)} of {runs} runs failed; the first: {self.failures[0]}")
        if self.unfinished:
            raise RunStopped(
                f"stopped with {len(self.unfinished)} of {runs} runs unfinished; give the same command again to go on"
            )
