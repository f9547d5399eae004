"""`audfer doctor`: what this machine can run, and what to do about the rest."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from harness.cli_common import Json, Out, ThirdParty, table
from harness.errors import CheckFailed


def doctor_command(out: Out = Path("runs"), third_party: ThirdParty = Path("third_party"), json_: Json = False) -> None:
    """Say what this machine can run: libraries, devices, room, data, upstreams; exit code 1 if something is broken."""
    from harness.doctor.examine import examine

    found = examine(out, third_party)
    rows = [{"": one.name, "is": one.status, "found": one.found, "to do": one.remedy} for one in found]
    table(rows, [asdict(one) for one in found], json_)
    broken = [one for one in found if one.status == "broken"]
    if broken:
        raise CheckFailed(f"{broken[0].name}: {broken[0].found}; {broken[0].remedy}")
