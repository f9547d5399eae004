"""Files of a benchmark: the same bytes for the same figures, no date, no path of the machine."""

import json
from pathlib import Path

import pytest

from harness.bench.bench import Result, Wanted
from harness.bench.lines import Bar, Line, missing
from harness.bench.timing import Spread
from harness.bench.write import as_json, as_markdown, command_of, write
from harness.errors import DataError

MACHINE = {
    "harness": {"version": "0.1", "commit": "abc", "dirty": False},
    "python": "3.11.7",
    "torch": "2.11.0",
    "device_name": "Some Processor (AVX2)",
    "precision": "fp32",
    "threads": 2,
    "clock": "wall",
    "driver": "oneDNN",
}
LINES = [
    Line("step", "m3dfel", "AU / baseline", "times", Spread(1.0, 0.99, 1.01, 0.98, 1.005, 7), Bar("at most", 1.01)),
    missing("step", "m3dfel", "upstream / native", "no upstream here"),
    Line("run", "m3dfel", "training", "clips/s", Spread(4.0, 3.0, 5.0, None, None, 4), None, "batch 2"),
    Line("run", "m3dfel", "testing", "clips/s", Spread(8.0, 7.0, 9.0, None, None, 4)),
]
RESULT = Result(MACHINE, "full", 7, LINES)


def test_the_page_names_machine_and_command_and_has_a_table_for_each_part() -> None:
    page = as_markdown(RESULT, "audfer bench --device cpu")
    assert page.startswith("# Some Processor (AVX2), scale full\n\n`audfer bench --device cpu`")
    assert "## Training step\n" in page
    assert "## Whole run\n" in page
    assert "## Input" not in page
    assert "| AU / baseline" in page
    assert "no upstream here" in page


def test_the_rates_of_whole_runs_stand_by_model() -> None:
    assert as_json(RESULT, "")["rates"] == {"m3dfel": {"train": 4.0, "test": 8.0, "note": "batch 2"}}


def test_the_same_figures_are_the_same_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.bench.write.slug", lambda device: "some-processor-avx2")
    first = [path.read_bytes() for path in write(RESULT, Wanted(), tmp_path / "a")]
    again = write(RESULT, Wanted(), tmp_path / "a")
    assert [path.name for path in again] == ["some-processor-avx2.json", "some-processor-avx2.md"]
    assert [path.read_bytes() for path in again] == first
    assert str(tmp_path.parent) not in first[1].decode().replace(f"--out {tmp_path / 'a'}", "")
    json.loads(first[0])


def test_the_demo_scale_has_a_file_of_its_own(tmp_path: Path) -> None:
    names = [path.name for path in write(Result(MACHINE, "demo", 7, LINES), Wanted(scale="demo"), tmp_path)]
    assert all("-demo." in name for name in names)


def test_the_command_names_what_is_not_default() -> None:
    assert command_of(Wanted(), Path("reports/bench")) == (
        "audfer bench --device cpu --scale full --rounds 7 --out reports/bench"
    )
    wanted = Wanted(models=("m3dfel",), parts=("step", "run"), threads=1)
    assert "--models m3dfel --parts step,run --threads 1 --out x" in command_of(wanted, Path("x"))


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="give another folder by --out"):
        write(RESULT, Wanted(), tmp_path / "file" / "below")
