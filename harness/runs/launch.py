"""Carry out planned runs, on this machine or on a cluster."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.files import write_text
from harness.manifest import RunConfig
from harness.runs import local
from harness.runs.launch_manifest import LOCAL, Launch
from harness.runs.materials import Materials
from harness.runs.planned import Planned, Tell


def launch(
    configs: Sequence[RunConfig],
    materials: Materials,
    out: Path,
    how: Launch = LOCAL,
    *,
    jobs: int = 1,
    tell: Tell = Tell(),  # noqa: B008  (frozen)
    detach: bool = False,
) -> list[Path]:
    """Carry out every run that has no finished record below `out`; returns all run directories in the plan's order.

    Runs go on from their checkpoints. A run that fails does not stop the others; at the end RunError names it, or
    RunStopped says that some are unfinished. Local workers end with this process, however it ends; SLURM's jobs do not.
    jobs: runs at a time on this machine. detach: do not wait for SLURM's jobs.
    """
    runs = [Planned(config, out / config.directory()) for config in configs]
    waiting = [planned for planned in runs if not planned.done()]
    for planned in runs:
        if planned not in waiting:
            tell.run(planned.config)
    for planned in waiting:
        planned.run_dir.mkdir(parents=True, exist_ok=True)
        write_text(planned.run_dir / "config.json", planned.config.canonical_json())
    if waiting and how.launcher == "local":
        local.carry_out(waiting, materials, min(jobs, len(waiting)), tell).check(len(waiting))
    elif waiting:
        # Imported here: it needs a package that few have.
        from harness.runs import slurm

        slurm.carry_out(waiting, materials, out, how, tell, detach=detach).check(len(waiting))
    return [planned.run_dir for planned in runs]
