"""AU files of every extractor, tables and lists of AU frames, and the knowledge matrix."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from target import Target, some_parquet, write_files

from harness import manifest as manifests
from harness.au.files.careful import read_rows
from harness.au.files.folder import read_folder
from harness.au.files.frames import read_frames
from harness.au.files.tables import write_tables
from harness.au.knowledge import load_knowledge
from harness.au.labels import read_clip_labels
from harness.au.units import ACTION_UNITS

# AU files


def _au_csv(name: str, head: str, row: Callable[[int], str], frames: int = 12) -> Callable[[Path], Target]:
    def make(folder: Path) -> Target:
        text = "\n".join([head, *(row(frame) for frame in range(frames))]) + "\n"
        files = write_files(folder, {f"{clip}.csv": text for clip in ("00001", "00002")})
        return Target(name, files, _read_au)

    return make


def _read_au(folder: Path) -> None:
    """Labels, rows and tables; the fast and the careful reader must take the same files for the same rows."""
    videos = ("00001", "00002")
    read_clip_labels(folder, videos, frames="sampled")
    for video, fast in zip(videos, read_folder(folder, videos), strict=True):
        careful, _, _ = read_rows(folder / f"{video}.csv")
        for one, other in ((fast.rows.frame_T, careful.frame_T), (fast.rows.presence_TA, careful.presence_TA)):
            assert np.array_equal(one, other), "the fast and the careful reader differ"
    read_frames(folder, videos)
    write_tables(folder, videos, folder / "out")


def _openface_head() -> str:
    units = [*(f"{u}_r" for u in ACTION_UNITS if u != "AU28"), *(f"{u}_c" for u in ACTION_UNITS)]
    return ", ".join(["frame", "face_id", "timestamp", "confidence", "success", *units])


def _openface_row(frame: int) -> str:
    units = [f"{(frame * i) % 5:.2f}" for i in range(17)] + [f"{(frame + i) % 2:.2f}" for i in range(18)]
    return ", ".join([str(frame + 1), "0", f"{frame / 25:.3f}", "0.98", "1", *units])


openface = _au_csv("openface", _openface_head(), _openface_row)
pyfeat = _au_csv(
    "py-feat",
    ",".join(["frame", "FaceScore", *ACTION_UNITS]),
    lambda frame: ",".join([str(frame), "0.9", *(f"{((frame + i) % 10) / 10}" for i in range(18))]),
)
libreface = _au_csv(
    "libreface",
    ",".join(["frame_idx", *(f"au_{int(u[2:])}" for u in ACTION_UNITS), *(f"au_{int(u[2:])}_intensity" for u in
              ACTION_UNITS)]),
    lambda frame: ",".join([str(frame), *(str((frame + i) % 2) for i in range(18)), *("1.5",) * 18]),
)  # fmt: skip


def released(folder: Path) -> Target:
    rows = [f"{clip}/{frame:05d} " + " ".join(str((frame + i) % 2) for i in range(18))
            for clip in ("00001", "00002") for frame in range(1, 7)]  # fmt: skip
    read = lambda folder: read_clip_labels(folder / "released.txt", ("00001", "00002"))  # noqa: E731
    return Target("released list", write_files(folder, {"released.txt": "\n".join(rows) + "\n"}), read)


def frames_table(folder: Path) -> Target:
    source = folder.with_name(folder.name + "-source")
    openface(source)
    write_tables(source, ("00001", "00002"), folder)
    (folder / "clips.parquet").unlink()
    (folder / "summary.json").unlink()
    read = lambda folder: read_clip_labels(folder / "frames.parquet", ("00001", "00002"))  # noqa: E731
    return Target("frames table", ("frames.parquet",), read, some_parquet)


def knowledge(folder: Path) -> Target:
    files = write_files(folder, {"k.csv": (manifests.manifests_dir() / "knowledge/knowledge_fig4.csv").read_bytes()})
    return Target("knowledge", files, lambda folder: load_knowledge(f"computed:{folder / 'k.csv'}", folder), weight=2)
