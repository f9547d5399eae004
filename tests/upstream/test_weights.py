"""Pretrained weights: the pinned file, or one line that says why not."""

import hashlib
import io
import urllib.error
import urllib.request

import pytest

from harness.upstream.manifest import UpstreamError, Weights, load_upstream
from harness.upstream.weights import initial_of, pretrained

DATA = b"weights"


@pytest.fixture
def manifest(toy):
    sha256 = hashlib.sha256(DATA).hexdigest()
    pinned = Weights(name="pinned.pth", url="https://example.org/pinned.pth", sha256=sha256, where="there")
    loose = Weights(name="loose.pth", url="https://example.org/loose", where="there")
    return toy.but(weights=[pinned.model_dump(), loose.model_dump()]).manifest


@pytest.fixture
def server(monkeypatch):
    """Answers every address with DATA and counts."""
    asked = []
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: asked.append(url) or io.BytesIO(DATA))
    return asked


def test_random_needs_no_file(manifest, tmp_path, server):
    assert pretrained(manifest, "random", tmp_path) is None
    assert server == []


def test_the_pinned_file_is_fetched_once(manifest, tmp_path, server):
    path = pretrained(manifest, "pinned.pth", tmp_path)
    assert path.read_bytes() == DATA
    assert pretrained(manifest, "pinned.pth", tmp_path) == path
    assert server == ["https://example.org/pinned.pth"]


def test_another_file_is_refused(manifest, tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "pinned.pth").write_bytes(b"other")
    with pytest.raises(UpstreamError, match=r"pinned\.pth: has sha256 .* remove it and run again"):
        pretrained(manifest, "pinned.pth", tmp_path)


def test_without_network_the_line_says_what_to_do(manifest, tmp_path, monkeypatch):
    def refuse(url, timeout):
        raise urllib.error.URLError("no route")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    with pytest.raises(UpstreamError, match=r"cannot be fetched .*no route.*; put pinned\.pth at .*--random-init"):
        pretrained(manifest, "pinned.pth", tmp_path)
    assert list((tmp_path / "weights").iterdir()) == []


def test_a_file_without_a_sha256_is_only_taken_from_the_user(manifest, tmp_path, server):
    with pytest.raises(UpstreamError, match=r"not fetched unasked .*put loose\.pth at"):
        pretrained(manifest, "loose.pth", tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "loose.pth").write_bytes(DATA)
    assert pretrained(manifest, "loose.pth", tmp_path) == tmp_path / "weights" / "loose.pth"
    assert server == []


def test_an_unknown_name_is_refused(manifest, tmp_path):
    with pytest.raises(UpstreamError, match=r"no weights named 'x\.pth'"):
        pretrained(manifest, "x.pth", tmp_path)


def test_what_a_run_starts_from():
    names = {name: initial_of(load_upstream(name), random_init=False) for name in ("former_dfer", "m3dfel")}
    assert names == {"former_dfer": "random", "m3dfel": "r3d_18-b3b3357e.pth"}
    assert initial_of(load_upstream("m3dfel"), random_init=True) == "random"
