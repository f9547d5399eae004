"""Two processes that render the same data set at once."""

import json
from pathlib import Path

import pytest

from harness.data.rendered.place import STAMP, partial_folder, write_stamp
from harness.errors import DataError


def other_process(root: Path, clips: int) -> None:
    root.mkdir()
    write_stamp(root, {"clips": clips}, {"made_by": "the other"})


def render_beside(root: Path, clips: int) -> None:
    """8 clips, while another process renders so many."""
    with partial_folder(root, ["frames"]) as partial:
        write_stamp(partial, {"clips": 8}, {"made_by": "this"})
        other_process(root, clips)


def test_the_first_to_end_puts_the_data_set_there(tmp_path: Path) -> None:
    root = tmp_path / "rendered"
    render_beside(root, 8)
    assert json.loads((root / STAMP).read_text())["summary"] == {"made_by": "the other"}
    assert [path.name for path in tmp_path.iterdir()] == ["rendered"]


def test_another_data_set_is_not_taken_for_it(tmp_path: Path) -> None:
    root = tmp_path / "rendered"
    with pytest.raises(DataError, match="cannot be written"):
        render_beside(root, 9)
    assert [path.name for path in tmp_path.iterdir()] == ["rendered"]
