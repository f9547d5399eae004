"""Lists as text, classes by name, and the two rules that hold between lists."""

from pathlib import Path

import pytest

from harness.data.lists import Line, check_lists, read_lines, rows_of
from harness.errors import DataError
from harness.manifest import load_dataset

PATH = Path("list.csv")
DFEW, FERV39K, MAFW = (load_dataset(name) for name in ("dfew", "ferv39k", "mafw"))


@pytest.mark.parametrize(
    "data",
    [
        b"a,1\n\nb,2\n",
        b"\xef\xbb\xbfa,1\n\nb,2\n",
        b"a,1\r\n\r\nb,2\r\n",
        b"a,1\r\rb,2",
        b"a,1  \t\n   \n  b,2 \n\n\n",
    ],
    ids=["plain", "byte order mark", "CRLF", "CR, no line end at the end", "trailing blanks"],
)
def test_the_form_of_a_text_file_changes_nothing(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(data)
    assert read_lines(path) == [Line(1, "a,1"), Line(3, "b,2")]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"list\.txt: the list is empty"),
        (b"\n \r\n\t\n", r"list\.txt: the list is empty"),
        (b"a,1\nb\0,2\n", r"list\.txt:2: holds NUL bytes"),
        ("a,1\n".encode("utf-16"), r"list\.txt:1: not UTF-8"),
        ("a,1\n".encode("utf-16-le"), r"list\.txt:1: holds NUL bytes \(a file saved as UTF-16"),
        (b"a,1\nb,2\nM\xfcller,3\n", r"list\.txt:3: not UTF-8"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, data: bytes, message: str) -> None:
    (tmp_path / "list.txt").write_bytes(data)
    with pytest.raises(DataError, match=message):
        read_lines(tmp_path / "list.txt")


@pytest.mark.parametrize("make", [lambda path: None, lambda path: path.mkdir()], ids=["missing", "a folder"])
def test_a_list_that_is_no_file_is_named(tmp_path: Path, make: object) -> None:
    make(tmp_path / "set_1.csv")  # type: ignore[operator]
    with pytest.raises(DataError, match=r"set_1\.csv: split list cannot be read \(.+\); put the published lists there"):
        read_lines(tmp_path / "set_1.csv")


def rows(manifest: object, *pairs: tuple[str, str]) -> dict[str, int]:
    lines = [(Line(n, " ".join(pair)), *pair) for n, pair in enumerate(pairs, start=1)]
    return rows_of(PATH, lines, manifest)  # type: ignore[arg-type]


def test_classes_go_by_name() -> None:
    # Our order: happy, sad, neutral, angry, surprise, disgust, fear.
    assert rows(MAFW, ("1", "anger"), ("2", "happiness"), ("3", "fear")) == {"1": 3, "2": 0, "3": 6}


def test_ignored_classes_are_left_out() -> None:
    assert rows(MAFW, ("1", "contempt"), ("2", "sadness"), ("3", "anxiety")) == {"2": 1}


@pytest.mark.parametrize(
    ("manifest", "pairs", "message"),
    [
        (
            FERV39K,
            [("a", "3")],
            r"list of another repository, whose class order differs; .*--lists former_dfer\|mae_dfer",
        ),
        (MAFW, [("a", "0")], r"list of another repository.*or give --lists mae_dfer$"),
        (DFEW, [("a", "1"), ("b", "0")], r"csv:2: .*from 0, the published lists from 1; take the published list, or"),
        (DFEW, [("a", "happy")], "the published list has a whole number there"),
        (DFEW, [("a", "1.0")], "the published list has a whole number there"),
        (DFEW, [("a", "8")], r"has no label of DFEW \(1 happy, 2 sad.*no class is written so"),
        (FERV39K, [("a", "happy")], "it is written Happy"),
        (MAFW, [("a", "Contempt")], "it is written contempt"),
        (MAFW, [("a", "joy")], "no class is written so"),
        (DFEW, [("a", "1"), ("b", "2"), ("a", "1")], r"csv:3: 'a 1' lists clip a twice, first in line 1"),
        (MAFW, [("a", "contempt"), ("a", "anger")], "lists clip a twice"),
        (MAFW, [("a", "contempt")], "no clip of MAFW"),
    ],
)
def test_a_wrong_class_or_clip_is_refused(manifest: object, pairs: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(DataError, match=message):
        rows(manifest, *pairs)


def test_a_long_line_is_shown_in_part() -> None:
    with pytest.raises(DataError) as caught:
        rows(DFEW, ("a" * 5000, "0"))
    assert len(str(caught.value)) < 500


def test_a_clip_in_train_and_test_of_one_fold_is_refused() -> None:
    lists = {1: {"train": {"a": 0}, "test": {"b": 1}}, 2: {"train": {"b": 1, "c": 0, "d": 0}, "test": {"c": 0, "d": 0}}}
    with pytest.raises(DataError, match="fold 2: clip c and 1 more in train and test"):
        check_lists(lists, DFEW, Path("lists"))


def test_a_clip_with_two_classes_in_two_folds_is_refused() -> None:
    lists = {1: {"train": {"a": 0}, "test": {"b": 1}}, 2: {"train": {"b": 3}, "test": {"a": 0}}}
    with pytest.raises(DataError, match="clip b is sad in test of fold 1 and angry in train of fold 2"):
        check_lists(lists, DFEW, Path("lists"))


def test_a_clip_may_train_one_fold_and_test_another() -> None:
    check_lists({1: {"train": {"a": 0}, "test": {"b": 1}}, 2: {"train": {"b": 1}, "test": {"a": 0}}}, DFEW, Path("."))
