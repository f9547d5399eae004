"""Patching: one good patch, and one repository for each way in which it must be refused."""

import shutil
from pathlib import Path

import pytest

from harness.upstream import patch as module
from harness.upstream.manifest import UpstreamError
from harness.upstream.patch import patch, read_patches
from harness.upstream.tree import inspect

OTHER_TREE = "c" * 40


def refused(toy, message: str) -> None:
    """The patch is refused with this message, in one line, and the clone is as it was."""
    before = _bytes(toy.clone)
    with pytest.raises(UpstreamError, match=message) as caught:
        toy.patch()
    assert "\n" not in str(caught.value)
    assert _bytes(toy.clone) == before


def _bytes(folder: Path) -> dict[str, bytes]:
    """Every file of the clone and of its `.git`, but for objects: without an index or commit they are nothing."""
    files = (
        path for path in sorted(folder.rglob("*")) if path.is_file() and folder / ".git" / "objects" not in path.parents
    )
    return {str(path): path.read_bytes() for path in files}


def test_a_patch_lands_where_it_says_and_keeps_line_ends(patchable):
    patchable.fetch()
    said = patchable.patch()
    assert (patchable.clone / "net.py").read_bytes() == patchable.net_patched
    assert patchable.git(patchable.clone, "write-tree") == patchable.manifest.patched_tree
    assert said == f"toy: applied 0001-double.patch, tree {patchable.manifest.patched_tree[:12]}"


def test_line_ends_of_the_user_stay_out(patchable, tmp_path):
    (tmp_path / "gitconfig").write_text("[core]\nautocrlf = true\n[apply]\nwhitespace = fix\n")
    patchable.fetch()
    patchable.patch()
    assert (patchable.clone / "net.py").read_bytes() == patchable.net_patched


def test_patching_twice_does_nothing_and_says_so(patchable):
    patchable.fetch()
    patchable.patch()
    before = _bytes(patchable.clone)
    assert patchable.patch() == f"toy: already patched, tree {patchable.manifest.patched_tree[:12]}; nothing to do"
    assert _bytes(patchable.clone) == before


def test_an_upstream_without_patches_says_so(toy):
    toy.fetch()
    assert toy.patch() == "toy: the manifest has no patches; nothing to do"


def test_patches_apply_in_order(patchable, tmp_path):
    """The second is for the file that the first leaves, and is refused alone."""
    last = patchable.net_patched + b"    y = 0\r\n"
    second = patchable.net_patch(patchable.net_patched, last, "@@ -4,0 +5 @@").replace(b"y = y * 2", b"y = 0")
    first = patchable.manifest.patches[0]
    tree = patchable.tree_with(tmp_path / "both", {**patchable.files, "net.py": last})
    alone = patchable.with_patch(second, tree, "0002-zero.patch")
    both = patchable.but(patches=[first.model_dump(), alone.manifest.patches[0].model_dump()], patched_tree=tree)
    both.fetch()
    (both.patches / "toy" / "0001-double.patch").rename(tmp_path / "aside")
    refused(alone, "0002-zero.patch: is for net.py with blob")
    (tmp_path / "aside").rename(both.patches / "toy" / "0001-double.patch")
    both.patch()
    assert (both.clone / "net.py").read_bytes() == last


def test_an_upstream_that_was_not_fetched_is_refused(patchable):
    refused(patchable, "toy: not there; run `audfer upstream fetch toy`")


def test_a_dirty_clone_is_refused(patchable):
    patchable.fetch()
    (patchable.clone / "main.py").write_text("mine")
    refused(patchable, "main.py was edited; keep what you need of it")


def test_a_foreign_file_in_the_clone_is_refused(patchable):
    patchable.fetch()
    (patchable.clone / "torch.py").write_text("")
    refused(patchable, "torch.py is not a file of the upstream")


def test_a_clone_without_its_git_folder_is_refused(patchable):
    """Inside another repository git would say yes here, and change nothing."""
    patchable.fetch()
    patchable.git(patchable.third_party.parent, "init", "--quiet")
    shutil.rmtree(patchable.clone / ".git")
    refused(patchable, "is not a clone that `audfer upstream fetch` made")


def test_a_changed_byte_in_a_patch_is_refused(patchable):
    patchable.fetch()
    file = patchable.patches / "toy" / "0001-double.patch"
    file.write_bytes(file.read_bytes().replace(b"y * 2", b"y * 3"))
    refused(patchable, r"0001-double.patch: has sha256 .*, the manifest says .*; restore the patch")


def test_a_changed_byte_in_the_pin_of_a_patch_is_refused(patchable):
    patchable.fetch()
    pin = patchable.manifest.patches[0]
    changed = patchable.but(
        patches=[{"file": pin.file, "sha256": pin.sha256[:-1] + ("0" if pin.sha256[-1] != "0" else "1")}]
    )
    refused(changed, "has sha256")


def test_a_changed_byte_in_the_pinned_commit_is_refused(patchable):
    patchable.fetch()
    refused(patchable.but(commit=OTHER_TREE), f"is at commit {patchable.manifest.commit[:12]}, the pin is cccccccccccc")


def test_a_changed_byte_in_the_pinned_tree_is_refused(patchable):
    patchable.fetch()
    refused(
        patchable.but(tree=OTHER_TREE), f"its commit has tree {patchable.manifest.tree[:12]}, the pin is cccccccccccc"
    )


def test_a_changed_byte_in_the_patched_tree_is_refused(patchable):
    patchable.fetch()
    tree = patchable.manifest.patched_tree
    refused(
        patchable.but(patched_tree=OTHER_TREE),
        f"the patches give tree {tree}, the manifest says patched_tree {OTHER_TREE}",
    )


def test_a_patch_for_another_version_of_the_file_is_refused(patchable):
    """git would apply it: with zero context it cannot know better."""
    patchable.fetch()
    drifted = patchable.net_patch(old=b"x\n" + patchable.files["net.py"])
    refused(patchable.with_patch(drifted, OTHER_TREE), "is for net.py with blob .*; make the patch again at this pin")


def test_a_patch_whose_lines_go_elsewhere_is_refused(patchable):
    """git would apply it: the line goes behind the first line instead of the second."""
    patchable.fetch()
    moved = patchable.net_patch(hunk="@@ -1,0 +2 @@")
    refused(patchable.with_patch(moved, OTHER_TREE), "git accepted it, and net.py is blob .* the patch says")


def test_a_patch_that_git_accepts_and_does_not_apply_is_refused(patchable, monkeypatch):
    patchable.fetch()
    real = module.run_git
    monkeypatch.setattr(module, "run_git", lambda *words, **more: "" if "apply" in words else real(*words, **more))
    blob = patchable.blob(patchable.files["net.py"])[:12]
    refused(patchable, rf"git accepted it, and net.py is blob {blob} \(before: {blob}\), the patch says")


def test_a_patch_that_inserts_nothing_is_refused(patchable):
    patchable.fetch()
    refused(patchable.with_patch(b"A reason of several words.\n", OTHER_TREE), "inserts nothing")


def test_a_patch_beyond_the_end_of_the_file_is_refused(patchable):
    patchable.fetch()
    refused(patchable.with_patch(patchable.net_patch(hunk="@@ -90,0 +91 @@"), OTHER_TREE), "0001-double.patch: git")


def test_a_patch_of_a_file_that_is_not_there_is_refused(patchable):
    patchable.fetch()
    away = patchable.net_patch().replace(b"net.py", b"away.py")
    refused(patchable.with_patch(away, OTHER_TREE), "away.py is not among the checked-out files")


def test_a_patch_of_a_file_that_is_not_checked_out_is_refused(patchable):
    patchable.fetch()
    notes = patchable.net_patch(patchable.files["notes.md"]).replace(b"net.py", b"notes.md")
    refused(patchable.with_patch(notes, OTHER_TREE), "notes.md is not among the checked-out files")


def test_a_patch_that_the_manifest_does_not_name_is_refused(patchable):
    patchable.fetch()
    (patchable.patches / "toy" / "0002-more.patch").write_bytes(b"")
    refused(patchable, r"0002-more.patch: is not in manifests/upstreams/toy.toml; add it there")


def test_a_patch_that_is_not_there_is_refused(patchable):
    patchable.fetch()
    (patchable.patches / "toy" / "0001-double.patch").unlink()
    refused(patchable, r"0001-double.patch: cannot be read \(No such file or directory\); restore it")


@pytest.mark.parametrize("lines, allowed", [(30, True), (31, False)])
def test_thirty_lines_an_upstream_and_no_more(patchable, lines, allowed):
    data = patchable.net_patch(hunk=f"@@ -2,0 +3,{lines} @@") + b"+\r\n" * (lines - 1)
    toy = patchable.with_patch(data, OTHER_TREE)
    if allowed:
        assert list(read_patches(toy.manifest, toy.patches)) == ["0001-double.patch"]
    else:
        with pytest.raises(UpstreamError, match="toy: inserts 31 lines, at most 30 are allowed; shorten the patches"):
            patch(toy.manifest, toy.third_party, toy.patches)


def test_a_clone_patched_by_older_patches_is_refused(patchable, tmp_path):
    patchable.fetch()
    patchable.patch()
    refused(patchable.but(patched_tree=OTHER_TREE), "neither the pinned nor the patched one")
    assert inspect(patchable.manifest, patchable.third_party).status == "patched"
