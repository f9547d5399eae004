"""Packing against a plain loop of Pillow, and the memory it takes at three sizes of data set.

python -m pytest tests/bench/test_bench_pack.py --benchmark-enable -s

The bar is 1,500 JPEG frames/s at 224 -> 128 pixels on 2 cores. A picture is noise of several scales, so that a JPEG of
224 x 224 pixels has the size of a real face crop's (13-14 kB at quality 90).
"""

import shutil
import statistics
import subprocess
import sys
import time
from itertools import count
from pathlib import Path

import numpy as np
import pytest
import simplejpeg
from PIL import Image
from pytest_benchmark.fixture import BenchmarkFixture

from harness.data.clips import Clip, Listing, frame_files
from harness.data.pack import pack_clips, verify_pack

SIDE, SIZE, WORKERS = 224, 128, 2
CLIPS, FRAMES, FRAMES_BY_PILLOW = 40, 50, 400
SIZES = (1_000, 4_000, 16_000)
OCTAVES = {4: 60, 8: 35, 16: 22, 32: 14, 64: 9, 112: 6, 224: 3}
"""Amplitude of the noise by its side in pixels before it is enlarged."""

PEAK_OF_A_PACK = """
import re, sys
from pathlib import Path
from harness.data.clips import Clip, Listing, frame_files
from harness.data.pack import pack_clips

def kilobytes(name):
    return int(re.search(rf"{name}:\\s+(\\d+) kB", Path("/proc/self/status").read_text()).group(1))

frames = frame_files(Path(sys.argv[1]))
names = [f"{number:06d}" for number in range(int(sys.argv[3]) // len(frames))]
listing = Listing({name: Clip(name, 0, frames) for name in names}, {})
Path("/proc/self/clear_refs").write_text("5")  # The peak counts from here.
before = kilobytes("VmRSS")
pack_clips(listing, 128, Path(sys.argv[2]), workers=2)
print(kilobytes("VmHWM") - before)
"""
"""Not by getrusage: its peak is taken over from the process that started this one."""


def texture(generator: np.random.Generator) -> np.ndarray:
    """A picture (SIDE, SIDE, 3) whose detail falls off as in photographs; its channels are alike."""
    picture = np.full((SIDE, SIDE, 3), 120, dtype=np.float32)
    for side, amplitude in OCTAVES.items():
        noise = generator.normal(size=(side, side, 3)).astype(np.float32)
        noise = 0.7 * noise[..., :1] + 0.3 * noise
        channels = [Image.fromarray(noise[..., c]).resize((SIDE, SIDE), Image.Resampling.BICUBIC) for c in range(3)]
        picture += amplitude * np.stack([np.asarray(channel) for channel in channels], axis=-1)
    return picture.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def listing(tmp_path_factory: pytest.TempPathFactory) -> Listing:
    root, generator = tmp_path_factory.mktemp("clips"), np.random.default_rng(0)
    options = {"quality": 90, "colorsubsampling": "420"}
    pictures = [simplejpeg.encode_jpeg(texture(generator), **options) for _ in range(20)]
    clips = {}
    for clip in range(CLIPS):
        folder = root / f"{clip:03d}"
        folder.mkdir()
        for frame in range(FRAMES):
            (folder / f"{frame + 1}.jpg").write_bytes(pictures[(7 * clip + frame) % len(pictures)])
        clips[folder.name] = Clip(folder.name, 0, frame_files(folder))
    return Listing(clips, {})


def by_pillow(paths: list[Path]) -> list[np.ndarray]:
    frames = []
    for path in paths:
        with Image.open(path) as picture:
            resized = picture.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BILINEAR)
            frames.append(np.asarray(resized))
    return frames


def test_pack_against_a_loop_of_pillow(benchmark: BenchmarkFixture, listing: Listing, tmp_path: Path) -> None:
    paths = [frame for clip in listing.clips.values() for frame in clip.frames]
    packs = count()
    loop: list[float] = []

    def a_round_of_pillow() -> None:
        start = time.perf_counter()
        by_pillow(paths[:FRAMES_BY_PILLOW])
        loop.append(FRAMES_BY_PILLOW / (time.perf_counter() - start))
        shutil.rmtree(tmp_path / f"pack{next(packs)}", ignore_errors=True)

    def ours() -> None:
        pack_clips(listing, SIZE, tmp_path / f"pack{next(packs)}", workers=WORKERS)

    benchmark.pedantic(ours, setup=a_round_of_pillow, rounds=7, warmup_rounds=1)
    if benchmark.stats is not None:  # None where benchmarks are disabled.
        rate = len(paths) / benchmark.stats.stats.median
        ratio = rate / statistics.median(loop)
        benchmark.extra_info |= {"frames_per_second": round(rate), "ratio_to_pillow": round(ratio, 2)}
        print(f"\npack: {rate:.0f} frames/s, {ratio:.2f} x a loop of Pillow in one process")


def test_verify(benchmark: BenchmarkFixture, listing: Listing, tmp_path: Path) -> None:
    pack = pack_clips(listing, SIZE, tmp_path / "pack", workers=WORKERS)
    assert benchmark.pedantic(verify_pack, args=(pack.path,), kwargs={"workers": WORKERS}, rounds=5) == []
    if benchmark.stats is not None:
        rate = len(pack.frames_FHWC) / benchmark.stats.stats.median
        print(f"\nverify: {rate:.0f} frames/s")


def test_memory_does_not_grow_with_the_data_set(benchmark: BenchmarkFixture, listing: Listing, tmp_path: Path) -> None:
    """Each size in a fresh process; what it held before packing (libraries, list of files) is taken off."""
    folder = listing.clips["000"].frames[0].parent

    sizes = SIZES if benchmark.enabled else SIZES[:1]
    peaks = benchmark.pedantic(lambda: {n: peak_mb(folder, tmp_path / str(n), n) for n in sizes}, rounds=1)
    pixels = {frames: frames * 3 * SIZE * SIZE / 1e6 for frames in peaks}
    for frames, peak in peaks.items():
        print(f"\n{frames} frames, {pixels[frames]:.0f} MB of pixels: packing took {peak:.0f} MB of memory")
    assert max(peaks.values()) < 100


def peak_mb(folder: Path, out: Path, frames: int) -> float:
    command = [sys.executable, "-c", PEAK_OF_A_PACK, folder, out, str(frames)]
    peak = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    shutil.rmtree(out)
    return int(peak) * 1024 / 1e6
