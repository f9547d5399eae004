"""The manifests and patches of this repository: what they must be on any machine, with or without the upstreams."""

import hashlib

import pytest
import unidiff

from harness.errors import ManifestError
from harness.manifest import known
from harness.upstream.manifest import UpstreamManifest, load_upstream, load_upstreams, patches_dir, upstream_names
from harness.upstream.patch import MAX_INSERTED, read_patches

PINS = {  # shared facts of the project, written here a second time
    "m3dfel": "f1eb486dcbf4df87912975e8840696b014757cda",
    "former_dfer": "1b5ad6f79c645fd98713da4a0d1606806035cde6",
    "mae_dfer": "80b651d4f669469df39fe5afbb40521fc9167782",
}
PATCHES = sorted(patches_dir().glob("*/*"))


def test_each_native_model_has_its_upstream_at_the_pin():
    assert sorted(upstream_names()) == known("models") == sorted(PINS)
    assert {manifest.name: manifest.commit for manifest in load_upstreams()} == PINS


@pytest.mark.parametrize("name", PINS)
def test_url_and_licence_are_recorded(name):
    manifest = load_upstream(name)
    assert manifest.url == f"https://github.com/{manifest.repository}"
    assert (manifest.licence.file, manifest.licence.spdx) == ("LICENSE", "MIT")


@pytest.mark.parametrize("name", PINS)
def test_patches_pass_every_check_that_needs_no_clone(name):
    manifest = load_upstream(name)
    assert list(read_patches(manifest, patches_dir())) == [pin.file for pin in manifest.patches]


@pytest.mark.parametrize("path", PATCHES, ids=lambda path: path.name)
def test_a_patch_inserts_lines_and_holds_none_of_the_upstream(path):
    """By unidiff, beside the harness's own grammar: no removed line, no context, nothing behind the second @@."""
    text = path.read_bytes().decode()
    hunks = [hunk for file in unidiff.PatchSet(text) for hunk in file]
    assert hunks
    assert all(line.is_added for hunk in hunks for line in hunk)
    assert all(hunk.section_header == "" and hunk.source_length == 0 for hunk in hunks)
    assert text.split("diff --git")[0].strip(), "no reason at its head"


@pytest.mark.parametrize("name", PINS)
def test_at_most_thirty_lines_are_inserted(name):
    files = [unidiff.PatchSet(path.read_bytes().decode()) for path in (patches_dir() / name).glob("*.patch")]
    assert sum(file.added for file in files) <= MAX_INSERTED == 30


@pytest.mark.parametrize("name", PINS)
def test_the_sha256_of_each_patch_is_the_manifests(name):
    found = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (patches_dir() / name).glob("*")}
    assert found == {pin.file: pin.sha256 for pin in load_upstream(name).patches}


def test_a_folder_of_patches_belongs_to_an_upstream():
    assert {path.parent.name for path in PATCHES} <= set(PINS)


def test_an_unknown_upstream_is_refused():
    with pytest.raises(ManifestError, match="upstream 'vgg' is not known; known: former_dfer, m3dfel, mae_dfer"):
        load_upstream("vgg")


@pytest.mark.parametrize(
    "changes",
    [
        {"commit": "f1eb486"},
        {"tree": "F" * 40},
        {"patched_tree": "0" * 40},
        {"patches": [{"file": "0001-a.patch", "sha256": "0" * 64}]},
        {"licence": {"file": "../LICENSE", "spdx": "MIT"}},
        {"entry": "/main.py"},
        {"needed": []},
        {"branch": "main"},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_manifest_with_a_loose_pin_is_refused(toy, changes):
    with pytest.raises(ValueError, match="1 validation error"):
        UpstreamManifest.model_validate({**toy.manifest.model_dump(), **changes})


def test_patches_out_of_order_are_refused(toy):
    pins = [{"file": f"000{number}-a.patch", "sha256": "0" * 64} for number in (2, 1)]
    with pytest.raises(ValueError, match="in the order of their numbers"):
        UpstreamManifest.model_validate({**toy.manifest.model_dump(), "patches": pins, "patched_tree": "0" * 40})
