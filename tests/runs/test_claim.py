"""A run is claimed by one process at a time, whoever races for it, and a claim ends with its process."""

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from harness.errors import RunClaimed, RunError, RunStopped
from harness.runs import claim
from harness.runs.claim import LOST_CLAIM, Attempt, attempts, bury, claimed, holds, last_attempt, started, this_process

RACE = """
import os, random, sys, time
from pathlib import Path
from harness.errors import RunClaimed
from harness.runs.claim import claimed
root, seed = Path(sys.argv[1]), int(sys.argv[2])
left = sorted(root.glob("run*"))
random.Random(seed).shuffle(left)
(root / f"ready{seed}").touch()
while not (root / "go").exists():
    time.sleep(0.001)
while left:
    for run_dir in list(left):
        try:
            with claimed(run_dir):
                if not (run_dir / "DONE").exists():
                    with (run_dir / "work").open("a") as work:
                        work.write(f"{seed} begins\\n")
                    time.sleep(0.002)
                    with (run_dir / "work").open("a") as work:
                        work.write(f"{seed} ends\\n")
                    (run_dir / "DONE").touch()
        except RunClaimed:
            continue
        left.remove(run_dir)
"""
HOLD = """
import sys, time
from pathlib import Path
from harness.runs import claim
claim.BEAT = 0.05
with claim.claimed(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def run_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def python(program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE, text=True)


def holder(run_dir: Path) -> subprocess.Popen[str]:
    """A process that has claimed the run and keeps it."""
    process = python(HOLD, run_dir)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def left_by(run_dir: Path, **changes: object) -> Attempt:
    """An attempt that is not over, of this process but for `changes`."""
    attempt = Attempt(1, replace(this_process(), **changes), "2026-01-01T00:00:00")
    (run_dir / "attempts").mkdir()
    (run_dir / "attempts" / "0001.json").write_text(json.dumps(asdict(attempt)))
    return attempt


def touched(run_dir: Path, ago: float) -> None:
    moment = time.time() - ago
    os.utime(run_dir / "attempts" / "0001.json", (moment, moment))


def test_three_processes_that_race_for_eighty_runs_do_each_once(tmp_path: Path) -> None:
    for number in range(80):
        (tmp_path / f"run{number}").mkdir()
    racers = [python(RACE, tmp_path, seed) for seed in range(3)]
    while len(list(tmp_path.glob("ready*"))) < 3:
        time.sleep(0.01)
    (tmp_path / "go").touch()
    assert [racer.wait(60) for racer in racers] == [0, 0, 0]
    for racer in racers:
        racer.communicate()
    for number in range(80):
        begins, ends = (tmp_path / f"run{number}" / "work").read_text().splitlines()
        assert (begins.split()[1], ends.split()[1], begins[0]) == ("begins", "ends", ends[0])


def test_a_claim_is_not_given_while_its_process_lives_and_is_once_it_was_killed(run_dir: Path) -> None:
    with holder(run_dir) as process:
        with pytest.raises(RunClaimed, match=f"pid {process.pid} is at this run"), claimed(run_dir):
            pass
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        # A zombie: nobody has waited for it yet.
        assert started(process.pid) == -1
        with claimed(run_dir) as (_, before):
            assert before is not None
            assert before.owner.pid == process.pid
    assert [one.ended for one in attempts(run_dir)] == [None, "done"]


def test_a_pid_that_was_given_to_another_process_is_not_taken_for_the_owner(run_dir: Path) -> None:
    attempt = left_by(run_dir, start=this_process().start - 1)
    assert not holds(run_dir, attempt)


def test_on_another_machine_a_claim_holds_as_long_as_it_is_touched(run_dir: Path) -> None:
    attempt = left_by(run_dir, host="far", place="elsewhere")
    touched(run_dir, claim.STALE_AFTER - 30)
    with pytest.raises(RunClaimed, match="far pid"), claimed(run_dir):
        pass
    touched(run_dir, claim.STALE_AFTER + 1)
    assert not holds(run_dir, attempt)


def test_a_claim_from_before_the_clock_was_set_back_goes_stale_if_nobody_touches_it(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = left_by(run_dir, place="elsewhere")
    touched(run_dir, -3600)
    monkeypatch.setattr(claim, "BEAT", 0.01)
    assert holds(run_dir, attempt, settle=False)
    assert not holds(run_dir, attempt)
    monkeypatch.setattr(time, "sleep", lambda _: touched(run_dir, 0))
    touched(run_dir, -3600)
    assert holds(run_dir, attempt)


def test_a_job_that_slurm_started_again_takes_its_run_back_at_once(
    run_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempt = left_by(run_dir, place="a node that died", job="12_3")
    monkeypatch.setenv("SLURM_ARRAY_JOB_ID", "12")
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "3")
    assert holds(run_dir, attempt)
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert not holds(run_dir, attempt)


@pytest.mark.parametrize(
    ("error", "ended"),
    [(RunStopped("asked"), "stopped"), (RunError("full\nof words"), "failed"), (KeyError("x"), "failed")],
)
def test_how_an_attempt_ended_is_written_down(run_dir: Path, error: Exception, ended: str) -> None:
    def attempt() -> None:
        with claimed(run_dir) as (mine, _):
            mine.epoch({"epoch": 1})
            raise error

    with pytest.raises(type(error)):
        attempt()
    last = last_attempt(run_dir)
    assert last is not None
    assert (last.ended, last.why, last.epochs) == (ended, str(error).splitlines()[0], ({"epoch": 1},))


def test_a_process_that_finds_its_run_taken_over_ends_without_a_word(run_dir: Path) -> None:
    with holder(run_dir) as process:
        (run_dir / "attempts" / "0002.json").write_text("{}")
        assert process.wait(20) == LOST_CLAIM


def test_a_parent_buries_its_worker_and_nobody_elses(run_dir: Path) -> None:
    left_by(run_dir)
    bury(run_dir, os.getpid() + 1, "failed", "killed")
    assert last_attempt(run_dir).ended is None  # type: ignore[union-attr]
    bury(run_dir, os.getpid(), "failed", "killed")
    assert (last_attempt(run_dir).ended, last_attempt(run_dir).why) == ("failed", "killed")  # type: ignore[union-attr]


@pytest.mark.parametrize("text", ["", "[]", '{"owner": 1}', '{"owner": {}, "since": 1}', "\x00"])
def test_an_attempt_that_cannot_be_read_holds_as_long_as_it_is_touched(run_dir: Path, text: str) -> None:
    (run_dir / "attempts").mkdir()
    (run_dir / "attempts" / "0001.json").write_text(text)
    with pytest.raises(RunClaimed, match="unknown"), claimed(run_dir):
        pass
    touched(run_dir, claim.STALE_AFTER + 1)
    with claimed(run_dir):
        pass
    assert [one.ended for one in attempts(run_dir)] == [None, "done"]
