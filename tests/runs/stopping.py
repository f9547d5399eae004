"""`python tests/runs/stopping.py N [SECONDS] [SEED]`: stop an experiment by SIGTERM N times, at random moments.

Each time it must end by itself with 75 (or 0, if it was done), saved, within the 30 s that SLURM gives a job; given
again it goes on, and in the end its predictions are the bytes of an unharmed one.
"""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from small import experiment

GRACE = 30.0  # seconds: KillWait, as SLURM has it if nothing is said
EXPERIMENT = experiment("stopped", ["m3dfel", "mae_dfer", "former_dfer"], epochs=8, clips=100)


def start(folder: Path, out: str) -> subprocess.Popen[str]:
    """Start the experiment with two workers."""
    command = [sys.executable, "-m", "harness.cli", "run", str(folder / "stopped.toml"), "--workers", "2"]
    places = ["--cache", str(folder / "data"), "--out", str(folder / out)]
    return subprocess.Popen([*command, *places], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def predictions(folder: Path, out: str) -> dict[str, bytes]:
    """Bytes of every run's predictions by path."""
    return {str(path.relative_to(folder / out)): path.read_bytes() for path in (folder / out).rglob("*.parquet")}


def half_written(folder: Path, out: str) -> list[Path]:
    """Files left by a writer that did not end."""
    return [path for path in (folder / out).rglob(".*") if path.is_file()]


def stopped(folder: Path, seconds: float) -> tuple[int, float]:
    """Stop the experiment after `seconds`: its exit code, and how long it took to end."""
    process = start(folder, "stopped")
    assert process.stderr is not None
    # What is stopped while the command still reads its data has nothing to save.
    next(line for line in process.stderr if " runs: " in line)
    try:
        process.communicate(timeout=seconds)
        return process.returncode, 0.0
    except subprocess.TimeoutExpired:
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        process.communicate()
        return process.returncode, time.monotonic() - began


def main(times: int, seconds: float, seed: int) -> int:
    draw, took, codes = random.Random(seed), [0.0], set()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "stopped.toml").write_text(EXPERIMENT, encoding="utf-8")
        assert start(folder, "whole").wait() == 0
        for number in range(times):
            moment = draw.uniform(0.5, seconds)
            code, ended = stopped(folder, moment)
            took.append(ended)
            codes.add(code)
            done = len(predictions(folder, "stopped"))
            print(f"{number + 1}: after {moment:.1f} s code {code}, ended in {ended:.1f} s, {done} done", flush=True)
            assert not half_written(folder, "stopped")
        assert start(folder, "stopped").wait() == 0
        same = predictions(folder, "whole") == predictions(folder, "stopped")
    good = same and codes <= {0, 75} and max(took) < GRACE
    bits = "the same" if same else "OTHER"
    print(f"{times} times stopped, codes {sorted(codes)}, at most {max(took):.1f} s, {bits} bits")
    return 0 if good else 1


if __name__ == "__main__":
    arguments = [float(one) for one in sys.argv[1:]]
    sys.exit(main(int(arguments[0]), arguments[1] if len(arguments) > 1 else 40.0, int((arguments[2:] or [0])[0])))
