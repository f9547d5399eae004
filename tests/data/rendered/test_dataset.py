"""A whole rendered data set: its layout, its bytes, and what happens when something is in the way."""

import csv
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import simplejpeg

from harness.data.rendered import RenderSummary, dataset, pool, render_dfew
from harness.errors import DataError

CLIPS, SIZE = 20, 32


def render(root: Path, shares_EA: np.ndarray, **options: int) -> RenderSummary:
    return render_dfew(root, shares_EA, **{"clips": CLIPS, "size": SIZE, **options})


def digests(root: Path) -> dict[str, str]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory, shares_EA: np.ndarray) -> Path:
    folder = tmp_path_factory.mktemp("rendered") / "faces"
    render(folder, shares_EA)
    return folder


def split(root: Path, part: str, fold: int) -> list[list[str]]:
    with (root / "EmoLabel_DataSplit" / f"{part}(single-labeled)" / f"set_{fold}.csv").open(newline="") as file:
        return list(csv.reader(file))


def test_the_layout_is_dfews(root: Path) -> None:
    names = [f"{number:05d}" for number in range(1, CLIPS + 1)]
    clips = root / "Clip" / "clip_224x224_16f"
    assert sorted(path.name for path in clips.iterdir()) == names
    for name in names:
        assert {path.name for path in (clips / name).iterdir()} == {f"{n}.jpg" for n in range(1, 17)}
    assert sorted(path.name for path in (root / "OpenFace").iterdir()) == [f"{name}.csv" for name in names]
    assert not (root / "Clip" / "clip_224x224").exists()


def test_pictures_are_of_the_size_asked_for(root: Path) -> None:
    picture = (root / "Clip" / "clip_224x224_16f" / "00001" / "16.jpg").read_bytes()
    assert simplejpeg.decode_jpeg(picture).shape == (SIZE, SIZE, 3)


def test_split_lists_partition_the_clips(root: Path) -> None:
    tested: list[str] = []
    for fold in range(1, 6):
        train, test = split(root, "train", fold), split(root, "test", fold)
        assert train[0] == test[0] == ["video_name", "label"]
        assert {row[1] for row in train[1:] + test[1:]} <= set("1234567")
        names = [row[0] for row in train[1:] + test[1:]]
        assert len(names) == len(set(names)) == CLIPS
        tested += [row[0] for row in test[1:]]
    assert len(tested) == len(set(tested)) == CLIPS


def test_the_same_seed_gives_the_same_bytes_with_any_number_of_workers(
    root: Path, tmp_path: Path, shares_EA: np.ndarray
) -> None:
    render(tmp_path / "again", shares_EA, workers=2)
    assert digests(tmp_path / "again") == digests(root)


def test_another_seed_gives_other_pictures(root: Path, tmp_path: Path, shares_EA: np.ndarray) -> None:
    render(tmp_path / "other", shares_EA, seed=1)
    first, second = digests(root), digests(tmp_path / "other")
    assert all(first[name] != second[name] for name in first if name.endswith(".jpg"))


def test_whole_clips_hold_the_sampled_frames(root: Path, tmp_path: Path, shares_EA: np.ndarray) -> None:
    summary = render(tmp_path / "full", shares_EA, full_clips=True)
    whole = tmp_path / "full" / "Clip" / "clip_224x224"
    lengths = [len(list(folder.iterdir())) for folder in whole.iterdir()]
    assert min(lengths) >= 64
    assert sum(lengths) == summary.frames
    for clip in ("00001", "00020"):
        pictures = {path.read_bytes() for path in (whole / clip).iterdir()}
        sampled = {path.read_bytes() for path in (root / "Clip" / "clip_224x224_16f" / clip).iterdir()}
        assert len(sampled) == 16
        assert sampled <= pictures


def test_a_data_set_that_is_there_is_not_rendered_again(
    root: Path, shares_EA: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dataset, "write_clip", lambda *_: pytest.fail("rendered again"))
    summary = render(root, shares_EA)
    assert (summary.clips, summary.frames, summary.seconds) == (CLIPS, 16 * CLIPS, 0)
    assert "already there" in summary.lines()[0]


def test_other_parameters_are_refused_by_name(root: Path, shares_EA: np.ndarray) -> None:
    with pytest.raises(DataError, match="seed 0, not 7"):
        render(root, shares_EA, seed=7)
    with pytest.raises(DataError, match="shares"):
        render(root, 1 - shares_EA)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, shares_EA: np.ndarray) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(DataError, match="something else"):
        render(tmp_path, shares_EA)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_leaves_nothing_behind(tmp_path: Path, shares_EA: np.ndarray, workers: int) -> None:
    def stop(done: int, clips: int) -> None:
        assert clips == CLIPS
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render_dfew(tmp_path / "faces", shares_EA, clips=CLIPS, size=SIZE, workers=workers, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_workers_error_reaches_the_caller(tmp_path: Path, shares_EA: np.ndarray) -> None:
    jobs = [dataset._Job(tmp_path / "missing", 1, shares_EA[0], SIZE, 0, False)] * 2
    with pytest.raises(FileNotFoundError):
        list(pool.in_processes(dataset._do, jobs, 2))


def test_the_rest_of_a_killed_render_does_no_harm(root: Path, tmp_path: Path, shares_EA: np.ndarray) -> None:
    left = tmp_path / "faces.partial" / "Clip" / "clip_224x224_16f" / "00001"
    left.mkdir(parents=True)
    (left / "17.jpg").write_bytes(b"half a pict")
    render(tmp_path / "faces", shares_EA)
    assert digests(tmp_path / "faces") == digests(root)
    assert not (tmp_path / "faces.partial").exists()


def test_progress_counts_every_clip(tmp_path: Path, shares_EA: np.ndarray) -> None:
    seen: list[tuple[int, int]] = []
    render_dfew(tmp_path / "a", shares_EA, clips=10, size=SIZE, progress=lambda done, clips: seen.append((done, clips)))
    assert seen == [(done, 10) for done in range(1, 11)]


@pytest.mark.parametrize(("name", "value"), [("clips", 9), ("size", 16), ("workers", 0), ("seed", -1)])
def test_parameters_out_of_range_are_refused(tmp_path: Path, shares_EA: np.ndarray, name: str, value: int) -> None:
    with pytest.raises(DataError, match=f"{name} {value}"):
        render(tmp_path / "faces", shares_EA, **{name: value})
    assert list(tmp_path.iterdir()) == []


def test_shares_of_a_wrong_shape_or_range_are_refused(tmp_path: Path, shares_EA: np.ndarray) -> None:
    with pytest.raises(DataError, match="shape"):
        render(tmp_path / "faces", shares_EA[:, :17])
    with pytest.raises(DataError, match="between 0 and 1"):
        render(tmp_path / "faces", np.zeros((7, 18)))


def test_a_place_that_cannot_be_written_is_one_line(tmp_path: Path, shares_EA: np.ndarray) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"):
        render(tmp_path / "file" / "faces", shares_EA)


def test_the_summary_prints_the_ideal_reader(root: Path, shares_EA: np.ndarray) -> None:
    summary = render(root, shares_EA)
    stamp = json.loads((root / "render.json").read_text())
    assert stamp["summary"]["ideal_war"] == summary.ideal_war
    assert sum(summary.class_counts.values()) == CLIPS
    assert any(f"ideal reader of the AU tracks: WAR {summary.ideal_war:.1f} %" in line for line in summary.lines())


def test_rendering_loads_no_torch() -> None:
    code = "import sys, harness.data.rendered.sheet, harness.data.rendered; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
