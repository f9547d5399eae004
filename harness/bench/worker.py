"""The process that measures one part of one model; `audfer bench` starts it.

python -P -m harness.bench.worker ASK.json ANSWER.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from harness.bench import evaluation, inputs, step, whole_run
from harness.bench.ask import Ask, read_ask
from harness.bench.lines import Line
from harness.bench.subjects import config_of
from harness.bench.theirs import upstream_of
from harness.engine.parent import end_with_input
from harness.engine.setup import prepare_machine
from harness.errors import HarnessError
from harness.upstream.child import refuse_network

MEASURES = {"step": step.measure, "input": inputs.measure, "evaluation": evaluation.measure, "run": whole_run.measure}


def measured(ask: Ask) -> list[Line]:
    """The part's lines, in this process."""
    theirs = upstream_of(ask)
    prepare_machine(config_of(ask))
    return MEASURES[ask.part](ask, theirs)


def main(arguments: list[str]) -> int:
    ask, answer = (Path(argument) for argument in arguments)
    end_with_input()
    refuse_network()  # upstream code is loaded into this process
    try:
        lines = measured(read_ask(ask))
    except HarnessError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    answer.write_text(json.dumps([line.as_json() for line in lines]), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
