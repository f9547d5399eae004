"""A report of 1,000 runs of published size: seconds and memory of `audfer report`; the bars are 30 s and 1 GB.

Where benchmarks are disabled, it is a report of a dozen small runs.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pytest_benchmark.fixture import BenchmarkFixture

from harness.au.units import EXPRESSIONS
from harness.manifest import Arm, AUArm, RunConfig, RunData, load_model
from harness.runs.records import seal

MODELS = ("m3dfel", "former_dfer", "mae_dfer")
ARMS: tuple[Arm, ...] = ("baseline", "au-global", "au-distinct", "au-minor")
# Data set: folds, test clips of a fold, seeds; 480 + 480 + 48 runs.
SETS = {"DFEW": (5, 2341, 8), "MAFW": (5, 1839, 8), "FERV39k": (1, 7847, 4)}
SMALL = {"DFEW": (1, 60, 1)}
SHARES = (0.21, 0.17, 0.23, 0.19, 0.13, 0.01, 0.06)
REPORT = """
import resource, sys, time
begun = time.perf_counter()
from harness.cli import main
sys.argv = ["audfer", "report", *sys.argv[1:]]
try:
    main()
finally:  # the command line ends in SystemExit
    peaks = [resource.getrusage(who).ru_maxrss * 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    print(time.perf_counter() - begun, *peaks)
"""


def configs(sets: dict[str, tuple[int, int, int]]) -> Iterator[RunConfig]:
    for title, (folds, clips, seeds) in sets.items():
        labels = {name: i for i, name in enumerate(EXPRESSIONS)}
        name = title.lower()
        for fold, seed, model, arm in product(range(1, folds + 1), range(seeds), MODELS, ARMS):
            data = RunData(
                name=name,
                title=title,
                published=True,
                labels=labels,
                clips={"train": 4 * clips, "val": 0, "test": clips},
                fingerprint=f"{name} fold {fold}",
            )
            yield RunConfig(
                experiment=f"reproduce-{name}",
                dataset=data,
                model=model,
                scale="full",
                arm=arm,
                fold=fold,
                folds=folds,
                seed=seed,
                selection=("last", "best-on-test"),
                au=None if arm == "baseline" else AUArm(strategy=arm.removeprefix("au-")),
                recipe=load_model(model).recipe["full"],
            )


def write_run(root: Path, config: RunConfig, number: int, epochs: int) -> None:
    folder = root / config.directory()
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(config.canonical_json())
    machine = {"harness": {"version": "0.1.0", "commit": "0" * 40, "dirty": False}, "torch": "2.13.0", "threads": 2}
    (folder / "environment.json").write_text(json.dumps(machine | {"device_name": "made up", "precision": "bf16"}))
    generator = np.random.default_rng(number)
    (folder / "epochs.jsonl").write_text("".join(epoch_line(i, generator) for i in range(1, epochs + 1)))
    write_predictions(folder / "predictions.parquet", config, generator, epochs)
    seal(folder)


def epoch_line(epoch: int, generator: np.random.Generator) -> str:
    names = ("loss", "expression_loss", "au_loss", "lr", "test_war", "test_uar", "seconds", "clips_per_second")
    return json.dumps({"epoch": epoch, **dict(zip(names, generator.random(len(names)), strict=True))}) + "\n"


def write_predictions(path: Path, config: RunConfig, generator: np.random.Generator, epochs: int) -> None:
    clips, rules = config.dataset.clips["test"], config.selection
    label_B = np.random.default_rng(config.fold).choice(7, clips, p=SHARES)
    logits_BE = generator.normal(size=(len(rules), clips, 7)).astype(np.float32)
    logits_BE[:, np.arange(clips), label_B] += 2.0
    columns = {
        "rule": np.repeat(rules, clips),
        "epoch": np.repeat(np.array([epochs, epochs // 2 + 1], np.int32), clips),
        "clip": [f"{i:05d}" for _ in rules for i in range(clips)],
        "label": np.tile(label_B.astype(np.int8), len(rules)),
        **{name: logits_BE[:, :, e].ravel() for e, name in enumerate(EXPRESSIONS)},
    }
    pq.write_table(pa.table(columns), path)


def test_report_of_a_thousand_runs(benchmark: BenchmarkFixture, tmp_path: Path) -> None:
    sets, epochs = (SMALL, 3) if benchmark.disabled else (SETS, 100)
    for number, config in enumerate(configs(sets)):
        write_run(tmp_path / "runs", config, number, epochs)
    out = tmp_path / "report"

    def report() -> str:
        command = [sys.executable, "-c", REPORT, str(tmp_path / "runs"), "--out", str(out)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    said = benchmark.pedantic(report, rounds=1)
    seconds, memory, of_child = map(float, said.splitlines()[-1].split())  # children: what draws, what counts FLOPs
    assert (out / "index.html").is_file()
    benchmark.extra_info |= {"seconds": round(seconds, 1), "peak_MB": round(memory / 1e6)}
    benchmark.extra_info["largest_child_MB"] = round(of_child / 1e6)
    benchmark.extra_info["page_MB"] = round((out / "index.html").stat().st_size / 1e6, 1)
