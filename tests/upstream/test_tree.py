"""A clone is believed only by the ids of what it holds."""

import os

import pytest

from harness.upstream.manifest import UpstreamError
from harness.upstream.tree import blob_id, export, inspect, require


def faults(toy) -> tuple[str, ...]:
    return inspect(toy.manifest, toy.third_party).faults


def test_blob_ids_are_gits(toy):
    for data in toy.files.values():
        assert blob_id(data) == toy.blob(data)


def test_nothing_fetched_is_absent(toy):
    assert inspect(toy.manifest, toy.third_party).status == "absent"


def test_an_edit_of_the_same_size_and_time_is_seen(toy):
    toy.fetch()
    before = os.stat(toy.clone / "net.py")
    (toy.clone / "net.py").write_bytes(toy.files["net.py"].replace(b"+ 1", b"+ 2"))
    os.utime(toy.clone / "net.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert faults(toy) == ("net.py was edited",)


def test_a_missing_file_is_seen(toy):
    toy.fetch()
    (toy.clone / "net.py").unlink()
    assert faults(toy) == ("net.py is missing",)


def test_a_foreign_module_is_seen_even_where_the_user_ignores_it(toy, tmp_path):
    toy.fetch()
    (toy.clone / ".git" / "info" / "exclude").write_text("*.py\n")
    (toy.clone / "torch.py").write_text("")
    assert faults(toy) == ("torch.py is not a file of the upstream",)


def test_what_python_leaves_behind_is_overlooked(toy):
    toy.fetch()
    (toy.clone / "__pycache__").mkdir()
    (toy.clone / "__pycache__" / "net.cpython-311.pyc").write_bytes(b"")
    assert faults(toy) == ()


def test_a_link_in_place_of_a_file_is_seen(toy, tmp_path):
    toy.fetch()
    (tmp_path / "same").write_bytes(toy.files["net.py"])
    (toy.clone / "net.py").unlink()
    (toy.clone / "net.py").symlink_to(tmp_path / "same")
    assert faults(toy) == ("net.py was edited",)


def test_a_staged_edit_is_seen_by_the_tree(toy):
    toy.fetch()
    (toy.clone / "net.py").write_text("")
    toy.git(toy.clone, "add", "net.py")
    assert len(faults(toy)) == 1
    assert "neither the pinned nor the patched one" in faults(toy)[0]


def test_another_commit_is_seen(toy):
    toy.fetch()
    toy.git(toy.clone, "commit", "--quiet", "--allow-empty", "--message=mine")
    commit = toy.git(toy.clone, "rev-parse", "HEAD")
    assert faults(toy) == (f"is at commit {commit[:12]}, the pin is {toy.manifest.commit[:12]}",)


def test_a_clone_whose_git_folder_is_broken_is_refused_in_one_line(toy):
    toy.fetch()
    (toy.clone / ".git" / "HEAD").write_text("nonsense\n")
    with pytest.raises(UpstreamError, match="cannot be read by git") as caught:
        require(toy.manifest, toy.third_party, patched=False)
    assert "\n" not in str(caught.value)


def test_require_names_the_command_that_is_missing(patchable):
    with pytest.raises(UpstreamError, match="not there; run `audfer upstream fetch toy`"):
        require(patchable.manifest, patchable.third_party, patched=True)
    patchable.fetch()
    with pytest.raises(UpstreamError, match="is fetched, not patched; run `audfer upstream patch toy`"):
        require(patchable.manifest, patchable.third_party, patched=True)
    patchable.patch()
    assert require(patchable.manifest, patchable.third_party, patched=True) == patchable.clone


def test_both_trees_can_be_copied_out_of_a_patched_clone(patchable, tmp_path):
    patchable.fetch()
    patchable.patch()
    export(patchable.manifest, patchable.third_party, tmp_path / "pinned", patched=False)
    export(patchable.manifest, patchable.third_party, tmp_path / "patched", patched=True)
    assert (tmp_path / "pinned" / "net.py").read_bytes() == patchable.files["net.py"]
    assert (tmp_path / "patched" / "net.py").read_bytes() == patchable.net_patched
    assert sorted(path.name for path in (tmp_path / "pinned").rglob("*")) == ["LICENSE", "main.py", "net.py"]
    assert inspect(patchable.manifest, patchable.third_party).status == "patched"
