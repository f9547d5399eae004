"""`audfer doctor` on machines that lack things."""

import json
import sys

import pytest
from typer.testing import CliRunner

from harness.cli import app
from harness.doctor.examine import examine
from harness.doctor.machine import cpu_flags, total_memory
from harness.doctor.material import clone, data_root
from harness.doctor.software import unmet
from harness.errors import CheckFailed
from harness.manifest import load_dataset
from harness.upstream.manifest import load_upstream

RUNNER = CliRunner()


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A folder without data, clones and variables."""
    for name in ("AFFWILD2_ROOT", "DFEW_ROOT", "FERV39K_ROOT", "MAFW_ROOT", "RAVDESS_ROOT", "AUDFER_MIRROR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def test_a_bare_machine_passes(bare):
    done = RUNNER.invoke(app, ["doctor", "--json"])
    assert done.exit_code == 0, done.exception
    lines = {line["name"]: line for line in json.loads(done.output)}
    assert {line["status"] for line in lines.values()} <= {"ok", "missing"}
    assert lines["Python"]["found"].startswith(".".join(map(str, sys.version_info[:3])))
    assert lines["PyTorch"]["status"] == lines["JPEG"]["status"] == lines["PNG"]["status"] == "ok"
    assert lines["DFEW_ROOT"] == {
        "name": "DFEW_ROOT",
        "status": "missing",
        "found": "not set",
        "remedy": "set it to the folder of DFEW; access: https://dfew-dataset.github.io",
    }
    assert lines["upstream m3dfel"]["found"] == "not fetched"
    assert all(line["remedy"] for line in lines.values() if line["status"] != "ok")


def test_a_root_that_is_not_there_fails(bare, monkeypatch):
    monkeypatch.setenv("MAFW_ROOT", "/nowhere")
    done = RUNNER.invoke(app, ["doctor"])
    assert isinstance(done.exception, CheckFailed)
    assert str(done.exception) == ("MAFW_ROOT: /nowhere is not a folder that can be read; mend or unset the variable")
    assert "upstream m3dfel" in done.output  # the whole table comes first


def test_a_root_says_which_data_sets_lie_there(tmp_path):
    manifests = [load_dataset("dfew"), load_dataset("dfew_16f")]
    assert data_root("DFEW_ROOT", manifests, str(tmp_path)).status == "broken"
    (tmp_path / "Clip" / "clip_224x224_16f").mkdir(parents=True)
    found = data_root("DFEW_ROOT", manifests, str(tmp_path))
    assert (found.status, found.found) == ("ok", f"{tmp_path} (dfew_16f)")


def test_a_clone_that_is_not_one_fails(tmp_path):
    (tmp_path / "m3dfel").mkdir()
    found = clone(load_upstream("m3dfel"), tmp_path)
    assert (found.status, found.remedy) == ("broken", "audfer upstream clean m3dfel, then fetch again")


def test_a_library_that_cannot_be_imported_is_a_line_of_the_table(bare, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "simplejpeg", None)
    monkeypatch.delitem(sys.modules, "harness.doctor.software")
    found = examine(tmp_path / "runs", tmp_path / "third_party")
    broken = [line for line in found if line.status == "broken"]
    assert [line.name for line in broken] == ["software"]
    assert "simplejpeg" in broken[0].found
    assert "processor" in [line.name for line in found]


def test_requirements_that_are_not_met_are_named():
    lines = ["numpy>=2.0", "numpy<1", "no-such-package>=1", 'other; extra == "x"', 'old; python_version < "3"']
    assert [line.split()[:2] for line in unmet(lines)] == [["numpy", "is"], ["no-such-package", "is"]]
    assert unmet(lines)[1] == "no-such-package is absent"


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        ("model name\t: X\nflags\t\t: fpu avx avx2 avx512f avx512_bf16\nflags\t\t: none\n",
         ["avx2", "avx512f", "avx512_bf16"]),
        ("Features\t: fp asimd sve bf16\n", ["asimd", "bf16", "sve"]),
        ("", []),
    ],
)  # fmt: skip
def test_vector_flags(text, flags):
    assert cpu_flags(text) == flags


def test_memory():
    assert total_memory("MemTotal:        2048 kB\nMemFree: 1 kB\n") == 2 << 20
    assert total_memory("") is None
