"""Deriving a clone again finds what the clone's own look would not."""

import pytest

from harness.errors import CheckFailed
from harness.upstream import verify
from harness.upstream.manifest import UpstreamError
from harness.upstream.verify import derive_again


def derive(toy, mirror=None):
    return derive_again(toy.manifest, mirror, toy.third_party, toy.patches)


def test_a_good_clone_is_derived_again_from_its_own_objects(patchable):
    patchable.fetch()
    patchable.patch()
    derived = derive(patchable)
    assert (derived.commit, derived.files, derived.source) == (patchable.manifest.commit, 3, "its own objects")
    assert (derived.tree, derived.patched_tree) == (patchable.manifest.tree, patchable.manifest.patched_tree)


def test_or_from_a_mirror(patchable, tmp_path):
    patchable.fetch()
    patchable.patch()
    patchable.git(tmp_path, "clone", "--quiet", "--bare", str(patchable.origin), str(tmp_path / "mirror" / "toy.git"))
    assert derive(patchable, tmp_path / "mirror").source == str(tmp_path / "mirror")


def test_a_mirror_without_the_pin_is_refused(patchable, tmp_path):
    patchable.fetch()
    patchable.patch()
    patchable.tree_with(tmp_path / "mirror" / "toy", {"a": b"a"})
    with pytest.raises(UpstreamError, match="has no commit"):
        derive(patchable, tmp_path / "mirror")


def test_a_clone_that_is_not_patched_is_refused(patchable):
    patchable.fetch()
    with pytest.raises(UpstreamError, match="is fetched, not patched; run `audfer upstream patch toy`"):
        derive(patchable)


def test_a_changed_byte_in_the_clone_is_refused(patchable):
    patchable.fetch()
    patchable.patch()
    file = patchable.clone / "net.py"
    file.write_bytes(file.read_bytes().replace(b"* 2", b"* 3"))
    with pytest.raises(UpstreamError, match=r"net.py was edited"):
        derive(patchable)


def test_a_changed_byte_in_a_patch_is_refused_although_the_clone_is_right(patchable):
    patchable.fetch()
    patchable.patch()
    file = patchable.patches / "toy" / "0001-double.patch"
    file.write_bytes(file.read_bytes().replace(b"* 2", b"* 3"))
    with pytest.raises(UpstreamError, match="has sha256"):
        derive(patchable)


def test_a_clone_with_fewer_files_than_pin_and_patches_give_is_a_failed_check(patchable):
    """A file that was hidden from the index's own look: git is told to leave it out, and it is deleted."""
    patchable.fetch()
    patchable.patch()
    patchable.git(patchable.clone, "update-index", "--skip-worktree", "main.py")
    (patchable.clone / "main.py").unlink()
    with pytest.raises(
        CheckFailed, match=r"toy: main.py differ from what pin and patches give; `audfer upstream clean toy`"
    ):
        derive(patchable)


def test_nothing_is_left_behind(patchable, tmp_path, monkeypatch):
    monkeypatch.setattr(verify.tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    patchable.fetch()
    patchable.patch()
    derive(patchable)
    assert list((tmp_path / "scratch").iterdir()) == []
