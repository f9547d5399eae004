"""A clone that somebody has tampered with runs nothing and is run by nobody; its process learns no secrets."""

import os
import socket

import numpy as np
import pytest

from harness.errors import RunError
from harness.upstream.child import variables
from harness.upstream.job import Job, JobArrays
from harness.upstream.manifest import UpstreamError, Weights
from harness.upstream.process import start
from harness.upstream.tree import export, inspect, read_index, tree_id

CLIPS = JobArrays(("00001",), np.array([0]), np.zeros((1, 18), np.float32), np.array([False]), np.array([True]))
SECRETS = (
    "SECRET_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "GITHUB_TOKEN",
    "LD_PRELOAD",
    "PYTHONSTARTUP",
    "SLURM_JOB_ID",
    "RANK",
)
SHOW = "import os, sys; print(sorted(os.environ)); print(os.environ['HOME']); print(sys.path)"


@pytest.fixture
def run(tmp_path):
    """Runs a script as an upstream's and gives what it printed."""

    def run(script):
        work = tmp_path / "work"
        (work / "tree").mkdir(parents=True)
        (work / "tree" / "main.py").write_text(script)
        job = Job(
            upstream="toy", tree=work / "tree", entry="main.py", work=work, argv=(), shims=(), seed=0, threads=1,
            device="cpu",
        )  # fmt: skip
        for _ in start(job, CLIPS, tmp_path / "log.txt"):
            pass
        return (tmp_path / "log.txt").read_text()

    return run


def test_no_variable_of_the_user_reaches_the_script(run, tmp_path, monkeypatch):
    for name in SECRETS:
        monkeypatch.setenv(name, "" if name == "LD_PRELOAD" else "secret")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "sitecustomize.py").write_text("print('sitecustomize ran')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "elsewhere"))
    said = run(SHOW)
    assert [name for name in (*SECRETS, "secret", "sitecustomize", "elsewhere") if name in said] == []
    assert str(tmp_path / "work") in said
    assert os.environ["HOME"] not in said.splitlines()[1]


def test_what_decides_numbers_reaches_the_script(tmp_path):
    given = {"OMP_NUM_THREADS": "4", "ATEN_CPU_CAPABILITY": "avx2", "LD_LIBRARY_PATH": "/opt/lib", "TOKEN": "t"}
    child = variables(given, tmp_path, None, "1")
    assert child.items() >= (given | {"HOME": str(tmp_path), "CUDA_VISIBLE_DEVICES": "1"}).items() - {("TOKEN", "t")}
    assert "TOKEN" not in child
    assert variables(given, tmp_path, 2, "")["OMP_NUM_THREADS"] == "2"


def test_the_script_reaches_no_network(run, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        server.settimeout(0)
        with pytest.raises(RunError, match=rf"asked for the network \(\('127\.0\.0\.1', {port}\)\)"):
            run(
                "import socket; a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1))\n"
                f"socket.socket().connect(('127.0.0.1', {port}))"
            )
        with pytest.raises(BlockingIOError):
            server.accept()
    assert "b'x'" in (tmp_path / "log.txt").read_text()  # within the machine, it may


def test_the_tree_id_is_gits(toy):
    toy.fetch()
    assert tree_id(read_index(toy.clone)) == toy.manifest.tree


def test_tree_ids_sort_folders_as_git_does(toy, tmp_path):
    files = {"a/x.py": b"1", "a.py": b"2", "a-b": b"3", "ab/c/d": b"4", "å": b"5"}
    expected = toy.tree_with(tmp_path / "sorted", files)
    assert tree_id(read_index(tmp_path / "sorted")) == expected


@pytest.mark.parametrize("name", ["sitecustomize.py", "evil.pth", "sub/torch.py", "net.pyc", ".env"])
def test_an_added_file_is_refused(toy, tmp_path, name):
    toy.fetch()
    (toy.clone / name).parent.mkdir(exist_ok=True)
    (toy.clone / name).write_bytes(b"")
    with pytest.raises(UpstreamError, match="is not a file of the upstream"):
        export(toy.manifest, toy.third_party, tmp_path / "copy", patched=False)
    assert not (tmp_path / "copy").exists()


def test_a_changed_byte_is_refused(toy, tmp_path):
    toy.fetch()
    (toy.clone / "main.py").write_bytes(toy.files["main.py"].replace(b"1", b"2"))
    with pytest.raises(UpstreamError, match=r"main\.py was edited"):
        export(toy.manifest, toy.third_party, tmp_path / "copy", patched=False)


def test_compiled_modules_of_the_clone_are_not_copied(toy, tmp_path):
    toy.fetch()
    (toy.clone / "__pycache__").mkdir()
    (toy.clone / "__pycache__" / "net.cpython-311.pyc").write_bytes(b"anything")
    copy = export(toy.manifest, toy.third_party, tmp_path / "copy", patched=False)
    assert sorted(path.name for path in copy.rglob("*")) == ["LICENSE", "main.py", "net.py"]


def test_a_repository_in_the_clone_is_refused(toy):
    toy.fetch()
    toy.tree_with(toy.clone / "inner", {"torch.py": b""})
    assert inspect(toy.manifest, toy.third_party).faults == ("inner/ is not a file of the upstream",)


def test_a_submodule_among_the_needed_files_is_refused(toy):
    toy.fetch()
    commit = toy.manifest.commit
    toy.git(toy.clone, "update-index", "--add", "--cacheinfo", f"160000,{commit},inner.py")
    (toy.clone / "inner.py").mkdir()
    faults = inspect(toy.manifest, toy.third_party).faults
    assert "neither the pinned nor the patched one" in faults[0]
    assert "inner.py was edited" in faults


def test_objects_with_other_bytes_than_their_ids_are_refused(toy, tmp_path):
    """The clone's own copy of a file's object is replaced by another file's; the work tree is right."""
    toy.fetch()
    for pack in (toy.clone / ".git" / "objects" / "pack").glob(
        "*.pack"
    ):  # loose objects are not looked at while packed
        data = pack.read_bytes()
        for file in pack.parent.glob(f"{pack.stem}.*"):
            file.unlink()
        toy.git(toy.clone, "unpack-objects", "-q", data=data)
    good, other = toy.blob(toy.files["net.py"]), toy.blob(toy.files["main.py"])
    objects = toy.clone / ".git" / "objects"
    place = objects / good[:2] / good[2:]
    place.chmod(0o644)
    place.write_bytes((objects / other[:2] / other[2:]).read_bytes())
    with pytest.raises(UpstreamError, match="do not hold what their ids say"):
        export(toy.manifest, toy.third_party, tmp_path / "copy", patched=False)


SETTINGS = {
    "core.fsmonitor": "touch {trace}; false",
    "core.sshCommand": "touch {trace}; false",
    "filter.evil.smudge": "touch {trace}; cat",
    "credential.helper": "!touch {trace}",
    "core.hooksPath": "{hooks}",
    "include.path": "{hooks}/config",
    "remote.origin.url": "ext::sh -c 'touch {trace}'",
    "remote.origin.uploadpack": "touch {trace}; git upload-pack",
    "protocol.ext.allow": "always",
}


@pytest.mark.parametrize("key", SETTINGS)
def test_settings_in_the_clone_run_nothing_and_are_refused(toy, tmp_path, key):
    toy.fetch()
    trace, hooks = tmp_path / "trace", tmp_path / "hooks"
    value = SETTINGS[key].format(trace=trace, hooks=hooks)
    toy.git(toy.clone, "config", key, value)
    assert key.lower() in inspect(toy.manifest, toy.third_party).faults[0].lower()
    with pytest.raises(UpstreamError, match="not of our making"):
        export(toy.manifest, toy.third_party, tmp_path / "copy", patched=False)
    assert not trace.exists()


@pytest.mark.parametrize("name", ["info/attributes", "commondir", "config.worktree"])
def test_files_by_which_git_would_run_filters_are_refused(toy, tmp_path, name):
    toy.fetch()
    (toy.clone / ".git" / name).write_text("* filter=evil\n")
    assert inspect(toy.manifest, toy.third_party).faults == (f".git/{name} is not of our making",)


def test_hooks_of_the_clone_do_not_run(patchable, tmp_path):
    patchable.fetch()
    hooks = patchable.clone / ".git" / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in ("post-checkout", "post-index-change", "post-merge", "reference-transaction"):
        (hooks / name).write_text(f"#!/bin/sh\ntouch {tmp_path / 'trace'}\n")
        (hooks / name).chmod(0o755)
    patchable.patch()
    export(patchable.manifest, patchable.third_party, tmp_path / "copy", patched=True)
    assert not (tmp_path / "trace").exists()


@pytest.mark.parametrize("name", ["../x.pth", "/etc/x.pth", "a/b.pth", "..", ".hidden", ""])
def test_weights_are_named_by_a_bare_file_name(name):
    with pytest.raises(ValueError, match="String should"):
        Weights(name=name, url="https://example.org/x.pth", where="there")
