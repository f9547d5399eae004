"""What the commands print."""

from harness.upstream.lines import derived_row, left_out_summary, list_json, list_row
from harness.upstream.tree import inspect
from harness.upstream.verify import Derived


def test_files_that_are_left_out_are_counted_by_folder():
    paths = ("figs/a.png", "saved/x/1.csv", "saved/y/2.csv", "README.md")
    assert left_out_summary(paths) == "saved/ 2, figs/ 1, README.md"


def test_a_fetched_upstream_shows_licence_and_what_is_absent(toy):
    toy.fetch()
    row = list_row(toy.manifest, inspect(toy.manifest, toy.third_party))
    assert (row["licence"], row["state"], row["files"]) == ("MIT", "fetched", "3")
    assert row["not checked out"] == "figs/ 1, notes.md"


def test_an_upstream_that_was_not_fetched_has_a_row(toy):
    row = list_row(toy.manifest, inspect(toy.manifest, toy.third_party))
    assert (row["state"], row["files"], row["not checked out"]) == ("absent", "", "")


def test_faults_are_in_the_row_and_in_the_json(toy):
    toy.fetch()
    (toy.clone / "main.py").unlink()
    state = inspect(toy.manifest, toy.third_party)
    assert list_row(toy.manifest, state)["state"] == "refused: main.py is missing"
    assert list_json(toy.manifest, state)["faults"] == ["main.py is missing"]


def test_ids_are_shortened_in_the_row_of_a_derived_upstream():
    row = derived_row(Derived("toy", "a" * 40, "b" * 40, "c" * 40, 3, "its own objects"))
    assert list(row.values()) == ["toy", "a" * 12, "b" * 12, "c" * 12, "3", "its own objects"]
