"""The figures as files: `<device>.json`, and `<device>.md` with the same in words. No date, no path of the machine."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tabulate import tabulate

from harness.bench.bench import Result, Wanted
from harness.bench.lines import rows
from harness.bench.machine import slug
from harness.bench.whole_run import PART, TESTING, TRAINING
from harness.errors import DataError
from harness.files import write_text

FORMAT = 1
TITLES = {
    "step": "Training step",
    "input": "Input",
    "evaluation": "Evaluation",
    "run": "Whole run",
}


def as_json(result: Result, command: str) -> dict[str, Any]:
    """Everything, as plain values. `rates` are what `audfer run --dry-run` counts on (runs/forecast.py)."""
    head = {"format": FORMAT, "command": command, "scale": result.scale, "rounds": result.rounds}
    lines = [line.as_json() for line in result.lines]
    return {**head, "machine": result.facts, "rates": _rates(result), "lines": lines}


def as_markdown(result: Result, command: str) -> str:
    """A table for each part, below the machine and the command."""
    text = [f"# {result.facts['device_name']}, scale {result.scale}", "", f"`{command}` (docs/bench.md)", ""]
    text += [tabulate(_machine(result), headers="keys", tablefmt="github", disable_numparse=True), ""]
    for part, title in TITLES.items():
        lines = [line for line in result.lines if line.part == part]
        if lines:
            table = [{key: value for key, value in row.items() if key != "part"} for row in rows(lines)]
            text += [f"## {title}", "", tabulate(table, headers="keys", tablefmt="github", disable_numparse=True), ""]
    return "\n".join(text)


def command_of(wanted: Wanted, out: Path) -> str:
    """The command that measures the same again."""
    words = ["audfer bench", f"--device {wanted.device}", f"--scale {wanted.scale}", f"--rounds {wanted.rounds}"]
    words += [f"--models {','.join(wanted.models)}"] if wanted.models else []
    words += [f"--parts {','.join(wanted.parts)}"] if len(wanted.parts) < len(TITLES) else []
    words += [f"--{name} {value}" for name in ("precision", "threads", "batch") if (value := getattr(wanted, name))]
    words += [f"--compile {wanted.compile}"] if wanted.compile != "off" else []
    words += [f"--clock {wanted.clock}"] if wanted.clock != "wall" else []
    return " ".join([*words, f"--out {out}"])


def write(result: Result, wanted: Wanted, out: Path) -> list[Path]:
    """Write both files below `out`, which is made if need be; DataError if it cannot be written."""
    stem = slug(wanted.device) + ("" if wanted.scale == "full" else f"-{wanted.scale}")
    command = command_of(wanted, out)
    texts = {"json": json.dumps(as_json(result, command), indent=1) + "\n", "md": as_markdown(result, command)}
    try:
        out.mkdir(parents=True, exist_ok=True)
        for kind, text in texts.items():
            write_text(out / f"{stem}.{kind}", text)
    except OSError as error:
        raise DataError(f"{out}: cannot be written ({error.strerror}); give another folder by --out") from error
    return [out / f"{stem}.{kind}" for kind in texts]


def _rates(result: Result) -> dict[str, Any]:
    """Clips a second of whole runs by model, in training and, with every view of a clip, in testing."""
    found = {(line.model, line.figure): line for line in result.lines if line.part == PART and line.value}
    return {
        model: {"train": line.value.median, "test": test.value.median, "note": line.note}
        for (model, figure), line in found.items()
        if figure == TRAINING and line.value and (test := found[model, TESTING]).value
    }


def _machine(result: Result) -> list[dict[str, str]]:
    named = result.facts
    ours = named["harness"]
    commit = f"{ours['commit'] or 'no commit'}{' and changes' * bool(ours['dirty'])}"
    values = {
        "device": named["device_name"],
        "driver": named["driver"] or "",
        "threads": str(named["threads"]),
        "clock": named["clock"],
        "precision": named["precision"],
        "torch": named["torch"],
        "python": named["python"],
        "harness": f"{ours['version']} at {commit}",
        "rounds": str(result.rounds),
    }
    return [{"machine": key, "": value} for key, value in values.items()]
