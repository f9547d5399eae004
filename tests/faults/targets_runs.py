"""Finished runs, reports of them, summaries beside baselines, and printed tables of others."""

from __future__ import annotations

import io
import json
import shutil
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import Any

import mutating
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from target import Target, by_kind, write_files

from harness import manifest as manifests
from harness.analysis.bands import make_baseline
from harness.analysis.summary import Summary, summary_text
from harness.au.units import EXPRESSIONS
from harness.cli_audit import audit_command
from harness.cli_regress import regress_command
from harness.engine.features import write_features
from harness.report.printed import read_paper
from harness.report.write import write_report
from harness.runs.records import CONFIG, DONE, FEATURES, read_run, read_runs, seal
from harness.runs.sweep import Machine, plan

# Runs and reports


def a_config(arm: str) -> manifests.RunConfig:
    """A run on rendered faces with fourteen test clips, asked for features."""
    experiment = manifests.change(
        manifests.load_experiment("demo"), {"models": ["m3dfel"], "arms": [arm], "settings": ["features=true"]}
    )
    manifest = manifests.load_dataset("rendered")
    data = manifests.RunData(
        name="rendered", title="rendered faces", published=False, labels=manifest.labels,
        clips={"train": 28, "val": 7, "test": 14}, fingerprint="f" * 64,
    )  # fmt: skip
    (config,) = plan(experiment, lambda *_: data, Machine())
    return config


def a_run(folder: Path, arm: str) -> Path:
    """The finished run of that configuration."""
    config = a_config(arm)
    run = folder / config.directory()
    label_B = np.arange(14) % 7
    logits_BE = np.random.default_rng(len(arm)).normal(size=(14, 7)).astype(np.float32)
    rules = [rule for rule in config.selection for _ in range(14)]
    columns = {
        "rule": rules, "epoch": pa.array([2 if rule == "last" else 1 for rule in rules], pa.int32()),
        "clip": [f"{i:05d}" for _ in config.selection for i in range(14)],
        "label": pa.array(np.tile(label_B, len(config.selection)), pa.int8()),
        **{name: np.tile(logits_BE[:, e], len(config.selection)) for e, name in enumerate(EXPRESSIONS)},
    }  # fmt: skip
    predictions = io.BytesIO()
    pq.write_table(pa.table(columns), predictions)
    machine = {"harness": {"version": "0.1.0", "commit": "0" * 40, "dirty": False}, "torch": "2.11.0",
               "device_name": "Made-up CPU", "precision": "fp32", "threads": 2}  # fmt: skip
    epoch = {"step": 9, "lr": 0.1, "loss": 1.5, "expression_loss": 1.5, "au_loss": None, "val_war": 0.5, "val_uar": 0.5,
             "test_war": 0.5, "test_uar": 0.5, "seconds": 1.5, "input_seconds": 0.5, "evaluation_seconds": 0.5,
             "clips_per_second": 40.0}  # fmt: skip
    write_files(run, {
        CONFIG: config.canonical_json(), "environment.json": json.dumps(machine),
        "epochs.jsonl": "".join(json.dumps({"epoch": n, **epoch}) + "\n" for n in (1, 2)),
        "predictions.parquet": predictions.getvalue(),
    })  # fmt: skip
    write_features(run / FEATURES, [f"{i:05d}" for i in range(14)], label_B, torch.randn(14, 4))
    seal(run)
    return run


def _run_files(folder: Path) -> tuple[str, ...]:
    runs = [a_run(folder / "runs", arm) for arm in ("baseline", "au-minor")]
    return tuple(str(path.relative_to(folder)) for path in sorted(runs[1].iterdir()))


def sealed(folder: Path) -> Target:
    """Whatever is changed in a finished run, it is no longer taken for one."""

    def read(folder: Path) -> None:
        for done in list(folder.rglob(DONE)):
            read_run(done.parent)
            hashes = json.loads(done.read_bytes())["files"]
            assert hashes == _GENUINE[done.parent.name], "a finished run was altered and taken"

    files = _run_files(folder)
    _GENUINE.update({path.parent.name: json.loads(path.read_bytes())["files"] for path in folder.rglob(DONE)})
    return Target("finished run", files, read, by_kind)


_GENUINE: dict[str, Any] = {}


def resealed(folder: Path) -> Target:
    """A run whose files were changed and sealed again, under the name that goes with them: nothing stops it early."""
    files = tuple(name for name in _run_files(folder) if not name.endswith(DONE))
    return Target("run sealed again", files, _read_run, by_kind, seal=_sealed_again, weight=6)


def _sealed_again(folder: Path) -> Path:
    from hashlib import sha256

    again = folder.with_name(folder.name + "-again")
    shutil.rmtree(again, ignore_errors=True)
    shutil.copytree(folder, again)
    for done in list(again.rglob(DONE)):
        run = done.parent
        done.unlink()
        seal(run)
        digest = sha256((run / CONFIG).read_bytes()).hexdigest()[:12]
        run.rename(run.with_name(f"{run.name[:-12]}{digest}"))
    return again


def _read_run(folder: Path) -> None:
    for run in read_runs(folder / "runs")[0]:
        assert run.predictions
        assert run.features is None or len(run.features.clips)


def report(folder: Path) -> Target:
    """The same, through to the tables."""
    files = tuple(name for name in _run_files(folder) if not name.endswith(DONE))
    read_paper(manifests.manifests_dir() / "paper")

    def read(folder: Path) -> None:
        write_report(folder / "runs", folder / "out", manifests.manifests_dir() / "paper")

    return Target("report", files, read, by_kind, seal=_sealed_again, weight=1)


def summaries(folder: Path) -> Target:
    """Two summaries, one of them a baseline with bands, as `audfer regress` reads them."""
    report, again = (_report(Path(__file__).parent.parent.parent, war) for war in (0.0, 0.01))
    baseline = make_baseline([("one", "1" * 64, report), ("two", "2" * 64, again)], "by hand")
    files = {"baseline.json": summary_text(baseline), "report/summary.json": summary_text(report)}

    def read(folder: Path) -> None:
        from harness.errors import CheckFailed

        with redirect_stdout(io.StringIO()), suppress(CheckFailed):  # that is an answer
            regress_command(
                [folder / "baseline.json", folder / "report"], markdown=folder / "page.md", junit=folder / "j.xml",
                min_speed=0.5, make=False, out=None, json_=False,
            )  # fmt: skip
        assert (folder / "page.md").is_file()

    return Target("summaries", write_files(folder, files), read, mutating.some_json, weight=5)


def _report(root: Path, more: float) -> Summary:
    """The committed demo's summary, its WARs `more` than they are."""
    data = json.loads((root / "reports/demo/summary.json").read_bytes())
    for setting in data["settings"].values():
        for score in setting["scores"].values():
            score["war"] += more
    return Summary.model_validate(data)


# Tables of others


def tables(folder: Path) -> Target:
    root = manifests.manifests_dir() / "paper"
    lines = (root / "table2.csv").read_text(encoding="utf-8").splitlines()
    sizes = manifests.load_dataset("dfew")
    folds = ["dataset,fold,class,count"] + [
        f"DFEW,{fold},{name},{count}"
        for fold, counts in sizes.counts.items()
        for name, count in zip(sizes.classes, counts.test, strict=True)
    ]
    literature = (root / "literature.csv").read_text(encoding="utf-8").splitlines()[:12]
    files = write_files(folder, {
        "table.csv": "\n".join(lines[:5]) + "\n", "folds.csv": "\n".join(folds) + "\n",
        "literature.csv": "\n".join(literature) + "\n",
    })  # fmt: skip

    def read(folder: Path) -> None:
        with redirect_stdout(io.StringIO()):
            audit_command(
                [folder / "table.csv"], folds=folder / "folds.csv", dataset="", literature=folder / "literature.csv",
                out=folder / "out", json_=False,
            )  # fmt: skip

    return Target("tables", files, read, weight=6)
