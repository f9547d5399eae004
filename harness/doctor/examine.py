"""All that `audfer doctor` looks at, in the order of its table."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from harness.doctor.finding import Finding
from harness.errors import HarnessError


def examine(out: Path, third_party: Path) -> list[Finding]:
    """What this machine has and lacks. `out`: where runs would be written. Nothing is written, fetched or asked for."""

    # Each imports what it looks at: a library that cannot be imported is a line of the table, not the end of it.
    def software() -> list[Finding]:
        from harness.doctor.software import software

        return software()

    def machine() -> list[Finding]:
        from harness.doctor.machine import machine

        return machine(out)

    def material() -> list[Finding]:
        from harness.doctor.material import material

        return material(os.environ, third_party)

    return [finding for look in (software, machine, material) for finding in _looked(look)]


def _looked(look: Callable[[], list[Finding]]) -> list[Finding]:
    try:
        return look()
    except (ImportError, OSError) as error:
        lines = str(error).splitlines() or [type(error).__name__]
        return [Finding(look.__name__, "broken", lines[0], "python -m pip install . again, into a new environment")]
    except HarnessError as error:
        return [Finding(look.__name__, "broken", str(error), "see there")]
