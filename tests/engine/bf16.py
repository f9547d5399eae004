"""Is training in bf16 training in fp32? Final WAR of one run in both, beside what another seed changes.

    python tests/engine/bf16.py RUN_DIR PREPARED [--epochs N] [--batches N]

RUN_DIR is a finished run of `audfer demo` (its config.json is read), PREPARED the packed data behind it. Trains the run
anew in fp32 with its own seed and with two others (the control spread), and in bf16 with its own seed; prints WAR and
UAR of the last epoch and the largest relative difference of an epoch's loss, and ends with 1 if bf16 moves the WAR by
more than another seed does. --batches cuts the training part to that many batches an epoch. Up to half an hour where
bf16 is emulated, so this is no test; tests/engine/test_train.py bounds the first steps.
"""

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import torch

from harness.data.prepare import open_prepared
from harness.engine.fold import load_fold
from harness.engine.train import train_run
from harness.manifest import RunConfig, read_run_config

CONTROLS = (1, 2)


def trained(config: RunConfig, prepared: Path, batches: int | None) -> list[dict[str, float]]:
    """The epochs of a run of `config`."""
    data = load_fold(open_prepared(prepared), config)
    if batches is not None:
        data = replace(data, train_N=data.train_N[:: max(1, len(data.train_N) // (batches * config.recipe.batch))])
    with tempfile.TemporaryDirectory() as folder:
        train_run(config, data, Path(folder))
        return [json.loads(line) for line in (Path(folder) / "epochs.jsonl").read_text().splitlines()]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("prepared", type=Path)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--batches", type=int)
    given = parser.parse_args()
    config = read_run_config(given.run_dir / "config.json")
    config = config.model_copy(
        update={"recipe": config.recipe.model_copy(update={"epochs": given.epochs or config.recipe.epochs})}
    )
    plans = [("fp32", config.seed), *(("fp32", config.seed + add) for add in CONTROLS), ("bf16", config.seed)]
    found = {}
    for precision, seed in plans:
        asked = config.model_copy(update={"precision": precision, "seed": seed})
        epochs = found[precision, seed] = trained(asked, given.prepared, given.batches)
        last, seconds = epochs[-1], sum(epoch["seconds"] for epoch in epochs)
        print(
            f"{config.model} {config.arm} {precision} seed {seed}: WAR {100 * last['test_war']:.2f} "
            f"UAR {100 * last['test_uar']:.2f}, loss {last['loss']:.4f}, {seconds:.0f} s",
            flush=True,
        )
    own, bf16 = found["fp32", config.seed], found["bf16", config.seed]
    spread = max(abs(found["fp32", config.seed + add][-1]["test_war"] - own[-1]["test_war"]) for add in CONTROLS)
    difference = abs(bf16[-1]["test_war"] - own[-1]["test_war"])
    losses = torch.tensor([[one["loss"], other["loss"]] for one, other in zip(own, bf16, strict=True)])
    print(f"largest relative difference of an epoch's loss: {((losses[:, 1] / losses[:, 0]) - 1).abs().max():.4f}")
    print(f"bf16 differs by {100 * difference:.2f} points of WAR, another seed by up to {100 * spread:.2f}")
    return int(difference > spread)


if __name__ == "__main__":
    sys.exit(main())
