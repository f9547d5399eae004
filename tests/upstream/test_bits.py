"""Ratio 0 is the unpatched upstream: every loss of two epochs, bit for bit, with an evaluation between them."""

import pytest

from harness.upstream.bits import STEPS, compare

pytestmark = pytest.mark.upstream


@pytest.mark.parametrize("name", ["m3dfel", "mae_dfer", "former_dfer"])
def test_the_patched_upstream_at_ratio_zero_is_the_unpatched_one(third_party, rendered_root, tmp_path, name):
    found = compare(name, rendered_root, tmp_path, third_party=third_party)
    assert len(found.unpatched) == STEPS
    assert found.patched == found.unpatched
    assert found.equal
    assert len(set(found.unpatched)) == STEPS  # six different losses: equality is no accident
