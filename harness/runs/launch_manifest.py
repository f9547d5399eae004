"""How runs are launched: a typed manifest of `manifests/launch/`, a file of one's own, options laid over it.

This module imports no torch.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator

from harness.errors import ManifestError
from harness.manifest import known, load_file, manifests_dir, parse
from harness.recipe import Strict

TIME = re.compile(r"(?:(?P<days>\d+)-)?(?P<hours>\d+):(?P<minutes>[0-5]\d)(?::(?P<seconds>[0-5]\d))?")


class Launch(Strict):
    """A launcher and what it may use. workers is for local; all that follows it is for slurm, of one run's job.

    gpus, cpus: of each process of a run (--nproc). mem: of its job.
    time: days-hours:minutes:seconds and less (`1-12:00:00`; `08:00` is eight hours) or whole minutes; a run that is not
    done by then is saved, queued again and goes on, up to `requeues` times. grace: seconds before the limit at which it
    is told. array_limit: jobs at a time; array_size: jobs in an array (SLURM's MaxArraySize). setup: shell lines before
    it. sbatch: further options.
    """

    launcher: Literal["local", "slurm"]
    workers: int | None = Field(default=None, gt=0)
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    time: int = Field(default=24 * 60, gt=0)
    gpus: int = Field(default=0, ge=0)
    cpus: int = Field(default=2, gt=0)
    mem: str | None = Field(default=None, pattern=r"^\d+[KMGT]$")
    grace: int = Field(default=120, ge=0)
    requeues: int = Field(default=100, ge=0)
    array_limit: int = Field(default=100, gt=0)
    array_size: int = Field(default=1000, gt=0)
    setup: tuple[str, ...] = ()
    sbatch: dict[str, str | int | bool] = Field(default_factory=dict)

    @field_validator("time", mode="before")
    @classmethod
    def _minutes(cls, value: Any) -> Any:
        if not isinstance(value, str) or value.isdecimal():
            return int(value) if isinstance(value, str) else value
        match = TIME.fullmatch(value)
        if match is None:
            raise ValueError("minutes, or [DAYS-]HOURS:MINUTES[:SECONDS]")
        days, hours, minutes, seconds = (int(match[part] or 0) for part in ("days", "hours", "minutes", "seconds"))
        return (days * 24 + hours) * 60 + minutes + (seconds > 0)


LOCAL = Launch(launcher="local")


def load_launch(name: str, changes: dict[str, Any]) -> Launch:
    """The launch manifest `name` of `manifests/launch/`, or at a path `*.toml`, with options laid over it (None: none).

    ManifestError for one that is not known, for a wrong key, and for an option of another launcher.
    """
    path = Path(name) if name.endswith(".toml") else manifests_dir() / "launch" / f"{name}.toml"
    if not name.endswith(".toml") and not path.is_file():
        raise ManifestError(
            f"--launcher {name}: not known; known: {', '.join(known('launch'))}, or the path of a TOML file"
        )
    launch = load_file(path, Launch)
    changed = {key: value for key, value in changes.items() if value is not None}
    wrong = sorted(key for key in changed if (key == "workers") != (launch.launcher == "local"))
    if wrong:
        options = ", ".join("--" + key.replace("_", "-") for key in wrong)
        raise ManifestError(f"--launcher {name}: {options}: not of the {launch.launcher} launcher; drop it")
    return parse({**launch.model_dump(), **changed}, Launch, f"--launcher {name}")
