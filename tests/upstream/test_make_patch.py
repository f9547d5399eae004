"""A patch made from edits is one that `patch` accepts."""

import subprocess
import sys

import pytest

from harness.upstream.make_patch import make_patch, pin_lines
from harness.upstream.manifest import UpstreamError
from harness.upstream.tree import inspect

REASON = "Doubles the output, so that a test can see it."


def test_edits_become_the_patch_that_was_written_by_hand(toy):
    toy.fetch()
    (toy.clone / "net.py").write_bytes(toy.net_patched)
    assert make_patch(toy.clone, REASON) == toy.net_patch()


def test_the_text_that_git_puts_behind_a_hunk_header_is_stripped(toy):
    toy.fetch()
    (toy.clone / "net.py").write_bytes(toy.net_patched)
    assert "@@ def forward(x):" in toy.git(toy.clone, "diff", "-U0")
    assert b"def forward" not in make_patch(toy.clone, REASON)


def test_how_the_user_likes_diffs_does_not_matter(toy, tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_EXTERNAL_DIFF", "false")
    (tmp_path / "gitconfig").write_text(
        "[diff]\nnoprefix = true\ncontext = 5\n[color]\nui = always\n[core]\nabbrev = 7\n"
    )
    toy.fetch()
    (toy.clone / "net.py").write_bytes(toy.net_patched)
    assert make_patch(toy.clone, REASON) == toy.net_patch()


@pytest.mark.parametrize(
    "edit, message",
    [
        (b"def forward(x):\r\n    y = x + 2\r\n    return y\r\n", "removes no line"),
        (b"def forward(x):\r\n    return y\r\n", "removes no line"),
        (b"", "removes no line"),
        (None, "has no edits"),
    ],
)
def test_an_edit_that_does_not_insert_is_refused(toy, edit, message):
    toy.fetch()
    if edit is not None:
        (toy.clone / "net.py").write_bytes(edit)
    with pytest.raises(UpstreamError, match=message):
        make_patch(toy.clone, REASON)


def test_a_patch_without_a_reason_is_refused(toy):
    toy.fetch()
    (toy.clone / "net.py").write_bytes(toy.net_patched)
    with pytest.raises(UpstreamError, match="does not give the reason"):
        make_patch(toy.clone, "")


def test_the_command_writes_the_patch_and_what_the_manifest_needs(toy, tmp_path):
    toy.fetch()
    (toy.clone / "net.py").write_bytes(toy.net_patched)
    path = toy.patches / "toy" / "0001-double.patch"
    command = [sys.executable, "-m", "harness.upstream.make_patch", str(toy.clone), str(path), REASON]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    tree = toy.tree_with(tmp_path / "expected", {**toy.files, "net.py": toy.net_patched})
    pinned = toy.with_patch(path.read_bytes(), tree)
    sha256 = pinned.manifest.patches[0].sha256
    assert said == f'patched_tree = "{tree}"\n\n[[patches]]\nfile = "0001-double.patch"\nsha256 = "{sha256}"\n'
    assert said.strip() == pin_lines(path, toy.clone)
    assert inspect(pinned.manifest, pinned.third_party).status == "patched"


def test_the_command_refuses_in_one_line(toy):
    toy.fetch()
    command = [sys.executable, "-m", "harness.upstream.make_patch", str(toy.clone), "x.patch", REASON]
    answer = subprocess.run(command, check=False, capture_output=True, text=True)
    assert answer.returncode == 1
    assert answer.stderr == f"make_patch: {toy.clone}: has no edits that are not staged; edit a file of it first\n"
