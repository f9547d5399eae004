import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.au.files.extract import extract_openface
from harness.au.files.frames import read_frames
from harness.au.units import ACTION_UNITS
from harness.errors import DataError

NAMES = ["frame", "face_id", "confidence", "success", *(f"{u}_r" for u in ACTION_UNITS if u != "AU28")]
NAMES += [f"{u}_c" for u in ACTION_UNITS]

# Reads pictures as FeatureExtraction does, by name as text; AU01_r is the first byte of the picture, in hundredths.
FAKE = f"""#!{sys.executable}
import pathlib, sys, time
option = dict(zip(sys.argv[1:-1], sys.argv[2:]))
pictures = sorted(pathlib.Path(option["-fdir"]).iterdir())
assert "-aus" in sys.argv
out = pathlib.Path(option["-out_dir"]) / (option["-of"] + ".csv")
if "broken" in option["-of"]:
    sys.exit("Could not open the pictures")
rows = [[n + 1, 0, 0.9, 1, picture.read_bytes()[0] / 100] + [0.0] * 34 for n, picture in enumerate(pictures)]
if "short" in option["-of"]:
    rows = rows[:-1]
form = ", ".join(["%d", "%d", "%.2f", "%d"] + ["%.2f"] * 35)
lines = [", ".join({NAMES!r})] + [form % tuple(row) for row in rows]
with out.open("w") as file:
    for line in lines:
        print(line, file=file, flush=True)
        if "slow" in option["-of"]:
            time.sleep(0.4)
with (pathlib.Path(__file__).parent / "calls").open("a") as file:
    print(option["-of"], file=file)
"""


@pytest.fixture
def fake(tmp_path, monkeypatch):
    binary = tmp_path / "bin" / "FeatureExtraction"
    binary.parent.mkdir()
    binary.write_text(FAKE)
    binary.chmod(0o755)
    monkeypatch.setenv("PATH", str(binary.parent), prepend=os.pathsep)
    return binary


def calls(fake):
    path = fake.parent / "calls"
    return path.read_text().split() if path.exists() else []


def clip(tmp_path, name, frames=3):
    folder = tmp_path / "clips" / name
    folder.mkdir(parents=True)
    for number in range(1, frames + 1):
        (folder / f"{number}.jpg").write_bytes(bytes([number]))
    return folder


def test_frame_n_is_picture_n_although_pictures_are_read_by_name_as_text(tmp_path, fake):
    done = extract_openface({"Action/00001": clip(tmp_path, "Action/00001", 12)}, tmp_path / "au")
    assert (done.extracted, done.there, done.failed) == (1, 0, ())
    table = read_frames(tmp_path / "au", ["Action/00001"])
    assert table.frame_F.tolist() == list(range(1, 13))
    assert table.intensity_FR[:, 0].tolist() == pytest.approx([n / 100 for n in range(1, 13)])
    assert [path.name for path in (tmp_path / "au").iterdir()] == ["Action"]


def test_clips_that_fail_are_named_and_the_others_go_on(tmp_path, fake):
    names = ["00001", "broken", "short", "00002", "empty"]
    clips = {name: clip(tmp_path, name, frames=0 if name == "empty" else 3) for name in names}
    clips["gone"] = tmp_path / "gone"
    said = []
    done = extract_openface(clips, tmp_path / "au", workers=2, progress=lambda *both: said.append(both))
    assert (done.extracted, done.there) == (2, 0)
    assert done.failed == (
        ("broken", "FeatureExtraction ended with 1: Could not open the pictures"),
        ("short", "FeatureExtraction wrote 2 rows for 3 pictures"),
        ("empty", f"{clips['empty']} has no picture"),
        ("gone", f"{clips['gone']} has no picture"),
    )
    assert sorted(path.name for path in (tmp_path / "au").iterdir()) == ["00001.csv", "00002.csv"]
    assert said == [(n, 6) for n in range(1, 7)]
    assert done.lines()[0] == "AU files: 2 extracted, 0 there already, 4 failed"


def test_what_is_there_is_not_extracted_again(tmp_path, fake):
    clips = {name: clip(tmp_path, name) for name in ("00001", "00002")}
    extract_openface({"00001": clips["00001"]}, tmp_path / "au")
    done = extract_openface(clips, tmp_path / "au")
    assert (done.extracted, done.there) == (1, 1)
    assert calls(fake) == ["00001", "00002"]


def test_after_a_kill_no_half_file_stays_and_the_rest_is_done(tmp_path, fake):
    for name in ("00001", "slow", "00002"):
        clip(tmp_path, name, frames=9)
    code = (
        "import sys, pathlib; from harness.au.files.extract import extract_openface; root = pathlib.Path(sys.argv[1]);"
        "extract_openface({n: root / 'clips' / n for n in ('00001', 'slow', '00002')}, root / 'au')"
    )
    path = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], env=os.environ | {"PYTHONPATH": path}, start_new_session=True
    )
    while not list(tmp_path.glob("au/.extracting-*/slow.csv")):
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert [path.name for path in (tmp_path / "au").glob("*.csv")] == ["00001.csv"]
    fake.write_text(FAKE.replace("time.sleep(0.4)", "pass"))
    done = extract_openface({n: tmp_path / "clips" / n for n in ("00001", "slow", "00002")}, tmp_path / "au")
    assert (done.extracted, done.there, done.failed) == (2, 1, ())
    assert sorted(path.name for path in (tmp_path / "au").iterdir()) == ["00001.csv", "00002.csv", "slow.csv"]
    assert calls(fake) == ["00001", "slow", "00002"]


def test_without_openface_the_remedy_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        DataError, match=r"FeatureExtraction: not on the PATH; install OpenFace 2\.2 from https://github"
    ):
        extract_openface({"a": tmp_path}, tmp_path / "au")
    with pytest.raises(DataError, match="other: not on the PATH"):
        extract_openface({"a": tmp_path}, tmp_path / "au", binary="other")


def test_no_clips(tmp_path, fake):
    with pytest.raises(DataError, match="no clips"):
        extract_openface({}, tmp_path / "au")
