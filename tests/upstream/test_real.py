"""The three real upstreams, from a mirror or from GitHub."""

import pytest

from harness.upstream.manifest import load_upstream, patches_dir
from harness.upstream.tree import export, inspect, require
from harness.upstream.verify import derive_again

NAMES = ["m3dfel", "former_dfer", "mae_dfer"]
pytestmark = pytest.mark.upstream


@pytest.mark.parametrize("name", NAMES)
def test_it_is_fetched_and_patched_to_the_pinned_trees(third_party, name):
    manifest = load_upstream(name)
    state = inspect(manifest, third_party)
    assert (state.faults, state.tree) == ((), manifest.patched_tree)
    assert {manifest.entry, manifest.licence.file} <= set(state.files)
    assert manifest.licence.spdx in (require(manifest, third_party, patched=True) / manifest.licence.file).read_text()


@pytest.mark.parametrize("name", NAMES)
def test_all_its_python_is_checked_out(third_party, name):
    state = inspect(load_upstream(name), third_party)
    assert not [path for path in state.left_out if path.endswith(".py")]


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_derived_again(third_party, name):
    manifest = load_upstream(name)
    assert derive_again(manifest, None, third_party, patches_dir()).patched_tree == manifest.patched_tree


@pytest.mark.parametrize("name", NAMES)
def test_patches_only_add_lines_to_its_files(third_party, tmp_path, name):
    """Taking the inserted lines out of the patched files gives the pinned files back, in order."""
    manifest = load_upstream(name)
    pinned = export(manifest, third_party, tmp_path / "pinned", patched=False)
    patched = export(manifest, third_party, tmp_path / "patched", patched=True)
    for path in (path for path in pinned.rglob("*") if path.is_file()):
        lines = iter((patched / path.relative_to(pinned)).read_bytes().splitlines())
        assert all(line in lines for line in path.read_bytes().splitlines()), path
