"""A fetch ends with the pinned tree or with nothing."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.upstream import fetch as module
from harness.upstream.fetch import clean, fetch
from harness.upstream.manifest import UpstreamError
from harness.upstream.source import Source
from harness.upstream.tree import inspect


def left(third_party: Path) -> list[str]:
    """What lies in the folder beside lock files."""
    return sorted(path.name for path in third_party.glob("*") if path.suffix != ".lock")


def fetching(toy, folder: Path, before: str = "") -> subprocess.Popen:
    """A fetch in a process of its own, which first carries out `before`."""
    script = f"""
import sys, time
from pathlib import Path
from harness.upstream import fetch
from harness.upstream.manifest import UpstreamManifest
from harness.upstream.source import Source
{before}
manifest = UpstreamManifest.model_validate_json(Path(sys.argv[1]).read_text())
print(fetch.fetch(manifest, Source(sys.argv[2], True), Path(sys.argv[3])), flush=True)
"""
    (folder / "manifest.json").write_text(toy.manifest.model_dump_json())
    command = [sys.executable, "-c", script, str(folder / "manifest.json"), str(toy.origin), str(toy.third_party)]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def remove_blob(toy, path: str) -> None:
    """Take a file's object out of the origin, as a mirror that left it out."""
    name = toy.blob(toy.files[path])
    (toy.origin / ".git" / "objects" / name[:2] / name[2:]).unlink()


def test_the_needed_files_arrive_byte_for_byte(toy):
    said = toy.fetch()
    here = {str(path.relative_to(toy.clone)): path for path in toy.clone.rglob("*") if ".git" not in path.parts}
    assert {name: path.read_bytes() for name, path in here.items() if path.is_file()} == {
        name: toy.files[name] for name in ("main.py", "net.py", "LICENSE")
    }
    assert toy.git(toy.clone, "rev-parse", "HEAD") == toy.manifest.commit
    assert said == f"toy: fetched {toy.manifest.commit[:12]} from {toy.origin}, licence MIT"


def test_only_the_pinned_commit_is_fetched(toy):
    (toy.origin / "notes.md").write_text("later")
    toy.git(toy.origin, "commit", "--quiet", "--all", "--message=later")
    toy.fetch()
    assert toy.git(toy.clone, "rev-list", "--all", "HEAD") == toy.manifest.commit


def test_line_ends_and_attributes_of_the_user_stay_out(toy, tmp_path):
    (tmp_path / "attributes").write_text("* text eol=crlf\n")
    (tmp_path / "gitconfig").write_text(f"[core]\nautocrlf = true\nattributesFile = {tmp_path / 'attributes'}\n")
    toy.fetch()
    assert (toy.clone / "main.py").read_bytes() == toy.files["main.py"]


def test_fetching_again_changes_nothing(toy):
    toy.fetch()
    before = os.stat(toy.clone / "net.py")
    assert toy.fetch() == f"toy: already fetched at {toy.manifest.commit[:12]}"
    assert os.stat(toy.clone / "net.py") == before


def test_a_mirror_may_lack_a_picture_that_nothing_needs(toy):
    remove_blob(toy, "figs/picture.png")
    toy.fetch()
    state = inspect(toy.manifest, toy.third_party)
    assert (state.tree, state.left_out) == (toy.manifest.tree, ("figs/picture.png", "notes.md"))


def test_a_mirror_that_lacks_a_needed_file_is_refused(toy):
    remove_blob(toy, "net.py")
    with pytest.raises(UpstreamError, match=r"origin lacks net.py, which is needed; complete that repository"):
        toy.fetch()
    assert left(toy.third_party) == []


def test_a_commit_that_the_source_lacks_is_refused(toy):
    changed = toy.but(commit="1" + toy.manifest.commit[1:] if toy.manifest.commit[0] != "1" else "2" * 40)
    with pytest.raises(UpstreamError, match=rf"has no commit {changed.manifest.commit}; .*mend the pin"):
        changed.fetch()
    assert left(toy.third_party) == []


def test_a_tree_id_that_is_not_the_commits_is_refused(toy):
    with pytest.raises(UpstreamError, match=rf"has tree {toy.manifest.tree}, the manifest says {'0' * 40}; mend"):
        toy.but(tree="0" * 40, patched_tree="0" * 40).fetch()
    assert left(toy.third_party) == []


def test_the_id_of_a_tag_is_not_a_pin(toy):
    toy.git(toy.origin, "tag", "--annotate", "--message=tag", "v1")
    tag = toy.git(toy.origin, "rev-parse", "v1")
    with pytest.raises(UpstreamError, match=f"{tag} is not a commit but points to {toy.manifest.commit}; pin that"):
        toy.but(commit=tag).fetch()


def test_a_licence_that_is_not_there_is_refused(toy):
    with pytest.raises(
        UpstreamError, match=r"toy.toml: licence.file: COPYING is not in the commit, or not among `needed`"
    ):
        toy.but(licence={"file": "COPYING", "spdx": "MIT"}).fetch()
    assert left(toy.third_party) == []


@pytest.mark.parametrize("filters", ["true", "false"])
def test_git_rewrites_the_address_as_the_user_says(toy, tmp_path, filters):
    """A server that cannot leave files out sends them all, which is as good."""
    away = toy.but(url="https://forge.invalid/owner/toy").manifest
    (tmp_path / "gitconfig").write_text(f'[url "file://{tmp_path}/"]\ninsteadOf = https://forge.invalid/owner/\n')
    toy.origin.rename(tmp_path / "toy")
    toy.git(tmp_path / "toy", "config", "uploadpack.allowFilter", filters)
    fetch(away, Source(away.url, False), toy.third_party)
    assert inspect(away, toy.third_party).left_out == ("figs/picture.png", "notes.md")


def test_without_network_one_line_says_what_to_set(toy):
    away = Source("https://127.0.0.1:9/owner/toy", False)
    with pytest.raises(UpstreamError) as caught:
        fetch(toy.manifest, away, toy.third_party)
    said = str(caught.value)
    assert said.startswith("toy: no answer from https://127.0.0.1:9/owner/toy (")
    assert said.endswith(
        "set AUDFER_MIRROR (or --mirror) to a folder that holds owner/toy as a clone or bare repository"
    )
    assert "\n" not in said
    assert left(toy.third_party) == []


def test_an_interrupted_fetch_leaves_nothing(toy, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_check_files", interrupted)
    with pytest.raises(KeyboardInterrupt):
        toy.fetch()
    assert left(toy.third_party) == []


STOP_AT_CHECK = 'fetch._check_files = lambda *_: (print("checked out", flush=True), time.sleep(60))'


def test_a_fetch_killed_before_its_end_leaves_nothing_under_the_name_and_the_next_one_tidies_up(toy, tmp_path):
    with fetching(toy, tmp_path, STOP_AT_CHECK) as process:
        assert process.stdout.readline() == b"checked out\n"
        process.send_signal(signal.SIGKILL)
    assert left(toy.third_party) == [f".toy.partial-{process.pid}"]
    toy.fetch()
    assert left(toy.third_party) == ["toy"]


def test_of_two_fetches_at_once_one_finds_the_clone_of_the_other(toy, tmp_path):
    with fetching(toy, tmp_path) as one, fetching(toy, tmp_path) as other:
        said = sorted(process.stdout.read().decode().split()[1] for process in (one, other))
    assert said == ["already", "fetched"]
    assert (one.returncode, other.returncode) == (0, 0)
    assert left(toy.third_party) == ["toy"]


def test_a_repository_named_by_the_environment_is_left_alone(toy, tmp_path, monkeypatch):
    """As in a git hook, where GIT_DIR and GIT_INDEX_FILE name the repository that is being committed to."""
    toy.tree_with(tmp_path / "other", {"a": b"a"})
    for name, place in {"GIT_DIR": "", "GIT_INDEX_FILE": "index", "GIT_OBJECT_DIRECTORY": "objects"}.items():
        monkeypatch.setenv(name, str(tmp_path / "other" / ".git" / place))
    toy.fetch()
    assert inspect(toy.manifest, toy.third_party).status == "fetched"
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.delenv(name)
    assert toy.git(tmp_path / "other", "status", "--porcelain") == ""


def test_hooks_of_the_user_do_not_run(toy, tmp_path):
    hook = tmp_path / "hooks" / "post-checkout"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    hook.chmod(0o755)
    (tmp_path / "gitconfig").write_text(f"[core]\nhooksPath = {hook.parent}\n")
    toy.fetch()
    assert not (tmp_path / "ran").exists()


def test_an_edited_clone_is_refused_and_kept(toy):
    toy.fetch()
    (toy.clone / "main.py").write_text("mine")
    with pytest.raises(
        UpstreamError, match=r"toy: main.py was edited; keep what you need of it, then `audfer upstream clean"
    ):
        toy.fetch()
    assert (toy.clone / "main.py").read_text() == "mine"


def test_a_folder_of_someone_else_is_refused_and_kept(toy):
    toy.clone.mkdir(parents=True)
    (toy.clone / "thesis.txt").write_text("mine")
    with pytest.raises(UpstreamError, match="is not a clone that `audfer upstream fetch` made"):
        toy.fetch()
    assert (toy.clone / "thesis.txt").read_text() == "mine"


def test_clean_removes_the_clone_and_leftovers(toy):
    toy.fetch()
    (toy.third_party / ".toy.partial-1").mkdir()
    assert clean(toy.manifest, toy.third_party) == f"toy: removed {toy.clone}"
    assert left(toy.third_party) == []
    assert clean(toy.manifest, toy.third_party) == "toy: nothing to remove"


def test_clean_removes_a_link_and_not_what_it_points_to(toy):
    toy.third_party.mkdir()
    toy.clone.symlink_to(toy.origin)
    clean(toy.manifest, toy.third_party)
    assert left(toy.third_party) == []
    assert (toy.origin / "main.py").is_file()


def test_without_git_one_line_says_so(toy, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UpstreamError, match="git is not installed, or not on PATH; install it"):
        toy.fetch()
