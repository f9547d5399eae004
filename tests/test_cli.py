"""The commands as a user gives them, good and bad: here() in this process, alone() in one of their own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from small import audfer as here

DEMO = Path(__file__).parent.parent / "manifests/experiments/demo.toml"


def alone(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness.cli", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def assert_refused(done: subprocess.CompletedProcess[str], *parts: str) -> None:
    """Exit code 2 and one line on stderr that holds every part."""
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    for part in parts:
        assert part in done.stderr


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; sys.argv = ['audfer', '--help']\nfrom harness.cli import main\n"
    code += "try: main()\nexcept SystemExit: pass\n"
    code += "print(sorted({'torch', 'pandas', 'numpy', 'pydantic', 'fvcore'} & set(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "demo" in done.stdout
    assert done.stderr.strip() == "[]"


def test_importing_the_package_imports_no_torch() -> None:
    code = "import sys, harness, harness.cli, harness.manifest; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"


def test_version() -> None:
    import harness

    assert alone("--version").stdout == f"audfer {harness.__version__}\n"


@pytest.mark.parametrize(
    ("experiment", "variable", "url"),
    [
        ("reproduce-dfew", "DFEW_ROOT", "dfew-dataset.github.io"),
        ("reproduce-ferv39k", "FERV39K_ROOT", "wangyanckxx.github.io"),
        ("reproduce-mafw", "MAFW_ROOT", "mafw-database.github.io"),
    ],
)
def test_without_a_data_root_the_variable_and_the_address_are_told(
    experiment: str, variable: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "")
    assert_refused(here("run", experiment), f"set {variable} or give --data-root", url)


@pytest.mark.parametrize("arguments", [("demo",), ("reproduce-dfew", "--dry-run")])
def test_a_device_that_is_none_or_not_there_is_refused_before_any_work(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    places = ("--cache", tmp_path / "data", "--out", tmp_path / "runs")
    assert_refused(here("run", *arguments, *places, "--device", "tpu"), "device tpu: is neither cpu nor cuda:N")
    assert_refused(here("run", *arguments, *places, "--device", "cuda:99"), "device cuda:99: this ")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_model_is_refused() -> None:
    said = "model 'resnet' is not known; known: former_dfer, m3dfel, mae_dfer"
    assert_refused(alone("run", "demo", "--model", "resnet"), said)


def test_a_manifest_with_a_typo_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(DEMO.read_text(encoding="utf-8").replace("selection =", "selecton ="), encoding="utf-8")
    assert_refused(alone("run", path), str(path), "selecton: unknown key")
    assert [entry.name for entry in tmp_path.iterdir()] == ["mine.toml"]


@pytest.fixture
def faces(rendered_root: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(rendered_root, tmp_path / "faces"))


def run_on(faces: Path) -> subprocess.CompletedProcess[str]:
    work = faces.parent
    return here("run", "demo", "--data-root", faces, "--cache", work / "data", "--out", work / "runs", "--epochs", "1")


def left_behind(folder: Path) -> set[str]:
    """Everything below a folder that a later command could take for finished."""
    return {
        path.name for path in folder.rglob("*") if path.is_file() and path.name in {"DONE", "meta.json", "folds.json"}
    }


def test_a_truncated_frame_is_named_and_left_out(faces: Path) -> None:
    frame = faces / "Clip/clip_224x224_16f/00007/3.jpg"
    frame.write_bytes(frame.read_bytes()[:300])
    done = here("data", "pack", "rendered", "--root", faces, "--cache", faces.parent / "data", "--size", 40)
    assert done.returncode == 0, done.stderr
    assert "names 1 frames that could not be read" in done.stdout
    (quarantine,) = (faces.parent / "data/packs").glob("*/quarantine.csv")
    assert "00007" in quarantine.read_text(encoding="utf-8")


def test_a_clip_without_a_readable_frame_is_refused(faces: Path) -> None:
    for frame in (faces / "Clip/clip_224x224_16f/00007").iterdir():
        frame.write_bytes(b"no picture")
    done = run_on(faces)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("audfer: clip 00007: no frame can be read")
    assert left_behind(faces.parent) == set()


def test_a_label_out_of_range_is_refused(faces: Path) -> None:
    path = faces / "EmoLabel_DataSplit/train(single-labeled)/set_2.csv"
    path.write_text(path.read_text(encoding="utf-8") + "00080,9\n", encoding="utf-8")
    assert_refused(run_on(faces), "set_2.csv:", "'00080,9'")


def test_an_empty_fold_is_refused(faces: Path) -> None:
    (faces / "EmoLabel_DataSplit/test(single-labeled)/set_1.csv").write_text("video_name,label\n", encoding="utf-8")
    assert_refused(run_on(faces), "set_1.csv: the list has no clip")


def test_a_data_set_without_au_files_is_refused(faces: Path) -> None:
    shutil.rmtree(faces / "OpenFace")
    assert_refused(run_on(faces), "OpenFace: no AU files")
    assert left_behind(faces.parent) == set()


def test_a_missing_data_root_is_refused(tmp_path: Path) -> None:
    assert_refused(alone("run", "demo", "--data-root", tmp_path / "none"), "none: no such data root")


def test_a_report_of_nothing_is_refused(tmp_path: Path) -> None:
    assert_refused(here("report", tmp_path / "runs"), "no such folder of runs")


def test_debug_shows_the_traceback() -> None:
    assert "Traceback" in alone("run", "nothing", "--debug").stderr


def test_render_prints_the_ideal_reader_as_json(tmp_path: Path) -> None:
    done = here("data", "render", tmp_path / "faces", "--clips", "12", "--size", "32", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["clips"] == 12


def test_flops_of_both_arms_as_json() -> None:
    done = here("flops", "m3dfel", "--scale", "demo", "--json")
    assert done.returncode == 0, done.stderr
    (found,) = json.loads(done.stdout)
    assert found["inference_equal"]
    assert found["training_equal_but_head"]
    assert found["inference_baseline"] == found["inference_au"]
