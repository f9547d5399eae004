import re

import pytest
import torch
from torch import nn

from harness.errors import ManifestError
from harness.models import CONFIGS, MODELS, build
from harness.upstream.namemap import UPSTREAM, fit, rename, to_native, to_upstream, translate

PAIRS = (("a.#.first.*", "b.#.*"), ("a.#.*", "c#.*"))


def test_numbers_and_rest_keep_their_order():
    assert rename("a.12.first.weight", PAIRS) == "b.12.weight"
    assert rename("a.3.second.bias", PAIRS) == "c3.second.bias"


def test_a_name_must_match_from_end_to_end():
    assert rename("xa.1.first.weight", PAIRS) is None
    assert rename("a.one.first.weight", PAIRS) is None


def test_dots_are_dots():
    assert rename("a_1_first_weight", PAIRS) is None


def test_a_weight_without_a_name_is_refused():
    with pytest.raises(ManifestError, match="weight 'z' has no name on the other side"):
        translate({"z": torch.zeros(1)}, PAIRS)


def test_two_weights_of_one_name_are_refused():
    with pytest.raises(ManifestError, match="two weights are called 'b'"):
        translate({"a": torch.zeros(1), "aa": torch.zeros(1)}, (("a", "b"), ("aa", "b")))


def test_axes_of_length_one_may_differ():
    fitted = fit({"w": torch.arange(3.0).view(1, 3, 1)}, {"w": torch.zeros(3)})
    assert fitted["w"].tolist() == [0, 1, 2]


def test_a_transposed_matrix_is_refused():
    with pytest.raises(ManifestError, match=re.escape("'w' has shape (2, 3), the model's (3, 2)")):
        fit({"w": torch.zeros(2, 3)}, {"w": torch.zeros(3, 2)})


@pytest.mark.parametrize("scale", ["full", "demo"])
@pytest.mark.parametrize("name", list(MODELS))
def test_the_map_is_one_to_one(name, scale):
    with torch.device("meta"):
        state = build(name, scale).state_dict()
    there = to_upstream(name, state)
    back = to_native(name, there, state)
    assert len(there) == len(state)
    assert {key: value.shape for key, value in back.items()} == {key: value.shape for key, value in state.items()}


@pytest.mark.parametrize("name", list(MODELS))
def test_every_line_of_a_map_is_of_use(name):
    # A line that an earlier one always takes the place of would never be seen to be wrong.
    with torch.device("meta"):
        state = build(name).state_dict()
    used = set()
    for upstream_name in to_upstream(name, state):
        used.add(next(theirs for theirs, ours in UPSTREAM[name] if rename(upstream_name, ((theirs, ours),))))
    assert used == {theirs for theirs, _ in UPSTREAM[name]}


def test_known_names_of_the_upstreams():
    # Read off the three repositories' model files.
    expected = {
        "m3dfel": {"features.0.0.weight", "features.4.1.conv2.1.running_var", "norm.var_weight", "lstm.bias_hh_l1"},
        "former_dfer": {"s_former.layer2.0.downsample.0.weight", "t_former.cls_token", "fc.bias"},
        "mae_dfer": {"lg_region_tokens", "blocks.15.third_attn.kv.weight", "fc_norm.bias", "head.weight"},
    }  # fmt: skip
    for name, names in expected.items():
        with torch.device("meta"):
            assert names <= to_upstream(name, build(name).state_dict()).keys()


def test_dmin_has_its_upstream_shape():
    with torch.device("meta"):
        there = to_upstream("m3dfel", build("m3dfel").state_dict())
    assert there["norm.weight"].shape == there["norm.bias"].shape == (1, 1024, 1)
    assert there["norm.mean_weight"].shape == (2,)


def test_an_unknown_model_is_refused():
    with pytest.raises(ManifestError, match="no name map; use one of: m3dfel"):
        to_upstream("resnet", nn.Linear(1, 1).state_dict())


def test_a_map_for_every_model():
    assert UPSTREAM.keys() == CONFIGS.keys()
