"""Launchers: what a manifest says, what options change, what is refused; and what submitit is told."""

import sys
from pathlib import Path

import pytest

from harness.errors import HarnessError, ManifestError
from harness.manifest import known
from harness.runs import slurm
from harness.runs.launch_manifest import Launch, load_launch
from harness.runs.materials import Materials
from harness.runs.planned import Outcome, Tell


@pytest.mark.parametrize("name", known("launch"))
def test_every_launch_manifest_loads(name: str) -> None:
    assert load_launch(name, {}).launcher in ("local", "slurm")


@pytest.mark.parametrize(
    ("text", "minutes"), [("90", 90), ("08:00", 480), ("1-12:00:00", 2160), ("00:00:30", 1), ("0:59:59", 60)]
)
def test_time_is_read_as_slurm_writes_it(text: str, minutes: int) -> None:
    assert load_launch("slurm", {"time": text}).time == minutes


def test_a_file_of_ones_own_is_read_and_options_are_laid_over_it(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_text('launcher = "slurm"\npartition = "long"\ngpus = 2\nsbatch = { nice = 100 }\n')
    launch = load_launch(str(path), {"partition": "short", "time": None})
    assert (launch.partition, launch.gpus, launch.sbatch) == ("short", 2, {"nice": 100})


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("pbs", {}, "known: local, slurm, slurm-gpu"),
        ("nowhere.toml", {}, "cannot be read"),
        ("local", {"partition": "long"}, "--partition: not of the local launcher"),
        ("slurm", {"workers": 2}, "--workers: not of the slurm launcher"),
        ("slurm", {"time": "soon"}, "time"),
        ("slurm", {"mem": "much"}, "mem"),
    ],
)
def test_what_is_wrong_is_named(name: str, options: dict[str, object], said: str) -> None:
    with pytest.raises(ManifestError, match=said):
        load_launch(name, options)


def test_an_unknown_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text('launcher = "slurm"\nqueue = "long"\n')
    with pytest.raises(ManifestError, match="queue: unknown key"):
        load_launch(str(path), {})


def test_a_job_has_its_share_for_each_process_of_its_run() -> None:
    launch = Launch(launcher="slurm", gpus=1, cpus=4, mem="16G", time=30, array_limit=3, sbatch={"nice": 5})
    told = slurm.parameters(launch, nproc=2)
    assert (told["gpus_per_node"], told["cpus_per_task"], told["mem"], told["time"]) == (2, 8, "16G", 30)
    assert told["srun_args"] == ["--cpus-per-task=8"]
    assert told["array_parallelism"] == 3
    assert told["additional_parameters"] == {"requeue": True, "nice": 5}
    assert "partition" not in told


def test_without_submitit_its_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    with pytest.raises(HarnessError, match=r'pip install "\.\[slurm\]"'):
        slurm._executor(tmp_path, {}, 1)


def test_nothing_to_submit_needs_no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    materials = Materials({}, tmp_path, tmp_path)
    assert slurm.carry_out([], materials, tmp_path, Launch(launcher="slurm"), Tell()) == Outcome()
