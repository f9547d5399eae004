"""What all layouts share: bytes, stamps, what is refused."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from harness.data.rendered import LAYOUTS, layouts, render, render_dfew
from harness.errors import DataError

OTHERS = LAYOUTS[1:]
SIZE, CLIPS = 32, {"ferv39k": 42, "mafw": 55, "affwild2": 10, "ravdess": 48}
FRAMES = {"ferv39k": "2_ClipsforFaceCrop", "mafw": "frames", "affwild2": "cropped_aligned", "ravdess": "face_aligned"}


def digests(root: Path) -> dict[str, str]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def clip_names(folder: Path, suffix: str) -> set[str]:
    return {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob(f"*{suffix}")}


@pytest.mark.parametrize("layout", OTHERS)
def test_two_workers_give_the_bytes_of_one(
    layout: str, rendered: Callable[[str], Path], tmp_path: Path, shares_EA: np.ndarray
) -> None:
    render(layout, tmp_path / "again", shares_EA, clips=CLIPS[layout], size=SIZE, workers=2)
    assert digests(tmp_path / "again") == digests(rendered(layout))


@pytest.mark.parametrize("layout", OTHERS)
def test_every_clip_has_pictures_and_a_row_for_each(layout: str, rendered: Callable[[str], Path]) -> None:
    frames, openface = rendered(layout) / FRAMES[layout], rendered(layout) / "OpenFace"
    folders = {str(path.parent.relative_to(frames)) for path in frames.rglob("*.*") if path.is_file()}
    assert folders == clip_names(openface, ".csv")
    assert len(folders) == CLIPS[layout]
    for name in folders:
        numbers = sorted(int(path.stem) for path in (frames / name).iterdir())
        rows = (openface / f"{name}.csv").read_text().splitlines()[1:]
        assert [int(row.split(",")[0]) for row in rows] == list(range(1, len(rows) + 1))
        if layout == "affwild2":
            assert 0 < len(rows) - len(numbers) < 0.05 * len(rows)
            assert set(numbers) < set(range(1, len(rows) + 1))
        else:
            assert numbers == list(range(1, len(rows) + 1))


@pytest.mark.parametrize("layout", OTHERS)
def test_a_picture_opens_at_the_size_asked_for(layout: str, rendered: Callable[[str], Path]) -> None:
    pictures = [path for path in sorted((rendered(layout) / FRAMES[layout]).rglob("*.*")) if path.is_file()]
    for path in (pictures[0], pictures[-1]):
        with Image.open(path) as picture:
            assert (picture.format, picture.mode) == ("PNG" if layout == "mafw" else "JPEG", "RGB")
            assert picture.size == (SIZE, SIZE)
            low, high = zip(*picture.getextrema(), strict=True)
            assert min(high) - max(low) > 40


@pytest.mark.parametrize("layout", OTHERS)
def test_a_data_set_that_is_there_is_not_rendered_again(
    layout: str, rendered: Callable[[str], Path], shares_EA: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layouts, "render_jobs", lambda *_: pytest.fail("rendered again"))
    summary = render(layout, rendered(layout), shares_EA, clips=CLIPS[layout], size=SIZE, workers=2)
    assert "already there" in summary.lines()[0]
    assert summary.clips == CLIPS[layout]
    pictures = [path for path in (rendered(layout) / FRAMES[layout]).rglob("*.*") if path.is_file()]
    assert summary.frames == len(pictures)
    stamp = json.loads((rendered(layout) / "render.json").read_text())
    assert stamp["parameters"]["layout"] == layout


def test_another_layout_in_the_folder_is_refused_by_name(
    rendered: Callable[[str], Path], tmp_path: Path, shares_EA: np.ndarray
) -> None:
    with pytest.raises(DataError, match="layout mafw, not ravdess"):
        render("ravdess", rendered("mafw"), shares_EA, clips=55, size=SIZE)
    with pytest.raises(DataError, match="layout mafw, not dfew"):
        render_dfew(rendered("mafw"), shares_EA, clips=55, size=SIZE)
    render("dfew", tmp_path / "faces", shares_EA, clips=10, size=SIZE)
    with pytest.raises(DataError, match="layout dfew, not mafw"):
        render("mafw", tmp_path / "faces", shares_EA, clips=22, size=SIZE)


def test_the_layout_of_dfew_is_render_dfews(tmp_path: Path, shares_EA: np.ndarray) -> None:
    render("dfew", tmp_path / "a", shares_EA, clips=10, size=SIZE)
    render_dfew(tmp_path / "b", shares_EA, clips=10, size=SIZE)
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
    # A stamp from before there were other layouts is read as DFEW's.
    assert "layout" not in json.loads((tmp_path / "a" / "render.json").read_text())["parameters"]


def test_the_bytes_of_renderer_1_stay(tmp_path: Path, shares_EA: np.ndarray) -> None:
    # From the renderer as it stood before there were other layouts: stored results name it by its number. Pictures
    # depend on the JPEG library too, so the text files are compared.
    render_dfew(tmp_path / "faces", shares_EA, clips=20, size=SIZE, full_clips=True)
    texts = {name: digest for name, digest in digests(tmp_path / "faces").items() if name.endswith((".csv", ".json"))}
    whole = hashlib.sha256("".join(f"{name} {texts[name]}\n" for name in sorted(texts)).encode()).hexdigest()
    assert whole == "8365bf1aef6633dd2a4b252e3aeedd5b5ba37949c078777af85ce9aa511e611f"


@pytest.mark.parametrize("layout", OTHERS)
def test_too_few_clips_are_refused_with_the_fewest(layout: str, tmp_path: Path, shares_EA: np.ndarray) -> None:
    fewest = {"ferv39k": 14, "mafw": 22, "affwild2": 8, "ravdess": 24}[layout]
    with pytest.raises(DataError, match=f"at least {fewest}: every fold trains on every class"):
        render(layout, tmp_path / "faces", shares_EA, clips=fewest - 1, size=SIZE)
    assert list(tmp_path.iterdir()) == []


def test_what_a_layout_has_not_is_refused(tmp_path: Path, shares_EA: np.ndarray) -> None:
    with pytest.raises(DataError, match="leave out the full clips"):
        render("mafw", tmp_path / "faces", shares_EA, clips=55, full_clips=True)
    with pytest.raises(DataError, match="'casme' is not known"):
        render("casme", tmp_path / "faces", shares_EA, clips=55)
    with pytest.raises(DataError, match="at most 1440"):
        render("ravdess", tmp_path / "faces", shares_EA, clips=1441)


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_leaves_nothing_behind(tmp_path: Path, shares_EA: np.ndarray, workers: int) -> None:
    def stop(done: int, clips: int) -> None:
        assert clips == 14
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        render("ferv39k", tmp_path / "faces", shares_EA, clips=14, size=SIZE, workers=workers, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, shares_EA: np.ndarray) -> None:
    (tmp_path / "note.txt").write_text("mine")
    with pytest.raises(DataError, match="something else"):
        render("affwild2", tmp_path, shares_EA, clips=8)
    assert [path.name for path in tmp_path.iterdir()] == ["note.txt"]


def test_another_seed_gives_another_data_set(tmp_path: Path, shares_EA: np.ndarray) -> None:
    for seed in (0, 1):
        render("ferv39k", tmp_path / f"seed{seed}", shares_EA, clips=14, size=SIZE, seed=seed)
    first, second = digests(tmp_path / "seed0"), digests(tmp_path / "seed1")
    pictures = {digest for name, digest in first.items() if name.endswith(".jpg")}
    assert not pictures & set(second.values())
