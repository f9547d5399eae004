"""OpenFace frames to medians by class (Sec. 3.1), against pandas that reads the same files whole and does no more.

python -m pytest tests/bench/test_bench_openface.py --benchmark-enable -s

Three shapes, in proportion: one large file of the AU columns only, one large file of all 714, and files of a clip of
77 frames (the mean of DFEW) of all 714. What is saved is the reading of columns that are not needed. On two cores,
shared with other work, the whole job was 3.6 to 3.7 times as fast as pandas' reading for the large file of 714
columns, and 13 to 15 times for files of a clip. Of a file with the AU columns alone nothing is left out: pandas alone
reads it faster than the whole job is done (ratio 0.6), but in three times the memory (2.6 million frames: 6 s and
0.75 GiB, and pandas 3.5 s and 2.25 GiB).

`python tests/bench/test_bench_openface.py FOLDER` writes the 2.6 million frames of one large file and measures time and
peak memory, each reader in a process of its own.
"""

import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from harness.au.extraction import extract_set
from harness.au.files.frames import interpolate_zeros, read_frames
from harness.au.units import ACTION_UNITS

WORKERS = 2
ALL_FRAMES = 2_600_000
FRAMES_OF_A_CLIP = 77
ROUNDS = 5

FRONT = ["frame", "face_id", "timestamp", "confidence", "success"]
BETWEEN = [
    *(f"gaze_{eye}_{axis}" for eye in (0, 1) for axis in "xyz"),
    *("gaze_angle_x", "gaze_angle_y"),
    *(f"eye_lmk_{axis}_{i}" for axis in "xyXYZ" for i in range(56)),
    *(f"pose_{kind}{axis}" for kind in "TR" for axis in "xyz"),
    *(f"{axis}_{i}" for axis in "xyXYZ" for i in range(68)),
    *("p_scale", "p_rx", "p_ry", "p_rz", "p_tx", "p_ty"),
    *(f"p_{i}" for i in range(34)),
]
UNITS = [*(f"{unit}_r" for unit in ACTION_UNITS if unit != "AU28"), *(f"{unit}_c" for unit in ACTION_UNITS)]
assert len([*FRONT, *BETWEEN, *UNITS]) == 714
LINES = 2000  # different ones, which are repeated


def write_large(path: Path, frames: int, between: bool) -> None:
    """One video of `frames` frames. Random numbers, made once: writing must not take longer than reading."""
    rng, columns = np.random.default_rng(0), BETWEEN if between else []
    rest = []
    for _ in range(LINES):
        measured = [f"{value:.3f}" for value in rng.normal(0, 300, len(columns))]
        intensities = [f"{value:.2f}" for value in np.clip(rng.normal(0.3, 0.6, 17), 0, 5)]
        presences = [f"{value:.2f}" for value in rng.integers(0, 2, 18)]
        confidence = f"{rng.uniform(0.8, 0.98):.2f}"
        rest.append(", ".join(["0", "33.333", confidence, "1", *measured, *intensities, *presences]))
    with path.open("w") as file:
        file.write(", ".join([*FRONT, *columns, *UNITS]) + "\n")
        for start in range(1, frames + 1, LINES):
            numbers = range(start, min(start + LINES, frames + 1))
            file.write("".join(f"{number}, {line}\n" for number, line in zip(numbers, rest, strict=False)))


def write_clips(folder: Path, clips: int) -> list[str]:
    write_large(folder / "00000.csv", FRAMES_OF_A_CLIP, between=True)
    text = (folder / "00000.csv").read_bytes()
    names = [f"{clip:05d}" for clip in range(clips)]
    for name in names[1:]:
        (folder / f"{name}.csv").write_bytes(text)
    return names


def ours(folder: Path, names: list[str]) -> np.ndarray:
    """Medians (7, 18) by class: Sec. 3.1 up to the sigmoid, every frame's class being its number modulo seven."""
    table = read_frames(folder, names, workers=WORKERS)
    intensity_FR = interpolate_zeros(
        table.intensity_FR, table.offset_V, table.success_F, workers=WORKERS, in_place=True
    )
    expression_F, sure_F = table.frame_F % 7, np.ones(len(table.frame_F))
    return extract_set("bench", intensity_FR, expression_F, sure_F, table.success_F, theta=0.5).median_EA


def plain_pandas(folder: Path, names: list[str]) -> int:
    """Only the reading, file by file, of whole files."""
    return sum(len(pd.read_csv(folder / f"{name}.csv")) for name in names)


SHAPES = {
    "one large file, AU columns": (300_000, False),
    "one large file, 714 columns": (15_000, True),
    "files of 77 frames, 714 columns": (15_400, None),
}


@pytest.mark.benchmark(group="openface")
@pytest.mark.parametrize("shape", SHAPES)
def test_bench_openface(tmp_path, benchmark, shape):
    frames, between = SHAPES[shape]
    if not benchmark.enabled:  # only that it works
        frames //= 20
    if between is None:
        names = write_clips(tmp_path, frames // FRAMES_OF_A_CLIP)
    else:
        write_large(tmp_path / "large.csv", frames, between)
        names = ["large"]
    seconds: dict[str, list[float]] = {"ours": [], "pandas": []}
    for _ in range(ROUNDS if benchmark.enabled else 1):
        for name, reader in (("ours", ours), ("pandas", plain_pandas)):
            started = time.perf_counter()
            reader(tmp_path, names)
            seconds[name].append(time.perf_counter() - started)
    median = {name: statistics.median(times) for name, times in seconds.items()}
    ratio = median["pandas"] / median["ours"]
    print(f"\n{shape}: {frames:,} frames, ours {median['ours']:.2f} s, pandas {median['pandas']:.2f} s, {ratio:.1f} x")
    benchmark.extra_info.update(frames=frames, ratio=ratio, **median)
    benchmark.pedantic(ours, (tmp_path, names), rounds=1)


def measure(folder: Path) -> None:
    """2.6 million frames in one file of the AU columns."""
    if not (folder / "large.csv").exists():
        write_large(folder / "large.csv", ALL_FRAMES, between=False)
    for reader in ("ours", "plain_pandas"):
        subprocess.run([sys.executable, __file__, str(folder), reader], check=True)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        measure(Path(sys.argv[1]))
    else:
        begun = time.perf_counter()
        globals()[sys.argv[2]](Path(sys.argv[1]), ["large"])
        spent, peak = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{sys.argv[2]}: {spent:.1f} s, peak {peak:.2f} GiB", flush=True)
