"""Expected counts are worked out by hand: one fused multiply-add is 1."""

import json
from dataclasses import replace
from functools import cache

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from harness.analysis.flops import compare, comparison_json, comparison_lines, comparison_rows, count
from harness.errors import CheckFailed, ManifestError
from harness.models import MODELS, build, input_shape

# Upstream counts by fvcore at the pins, one clip (43.19 G, 8.319 G, 49.75 G); attention and LSTM are worked out below.
FULL = {
    "m3dfel": {"known": 43_192_663_040, "attention": 32_768, "lstm": 41_943_040},
    "former_dfer": {"known": 8_298_138_112, "attention": 20_556_800, "lstm": 0},
    "mae_dfer": {"known": 48_308_951_040, "attention": 1_442_971_648, "lstm": 0},
}


@cache
def compared(name):
    return compare(name, "demo")


class Attention(nn.Module):
    def forward(self, query, key, value):
        return F.scaled_dot_product_attention(query, key, value)


@pytest.mark.parametrize(
    ("layers", "bidirectional", "expected"),
    [
        # input 3, hidden 5, 2 clips x 4 steps: 8 steps x 4 gates x 5 x (3 + 5)
        (1, False, 8 * 4 * 5 * 8),
        # both directions; the second layer reads 2 x 5: 8 steps x 2 directions x 4 gates x 5 x ((3 + 5) + (10 + 5))
        (2, True, 8 * 2 * 4 * 5 * (8 + 15)),
    ],
)
@pytest.mark.parametrize("batch_first", [False, True])
def test_lstm(layers, bidirectional, expected, batch_first):
    lstm = nn.LSTM(3, 5, layers, bidirectional=bidirectional, batch_first=batch_first)
    report = count(lstm, (torch.zeros(2, 4, 3),))
    assert report.per_operator == {"lstm": expected}
    assert report.total == expected
    assert report.total_known == 0


def test_lstm_with_projection_is_refused():
    with pytest.raises(CheckFailed, match="proj_size"):
        count(nn.LSTM(3, 5, proj_size=2), (torch.zeros(4, 2, 3),))


def test_attention():
    # 2 clips x 3 heads, 5 queries of width 7 on 11 keys of width 7, values of width 13
    report = count(Attention(), (torch.zeros(2, 3, 5, 7), torch.zeros(2, 3, 11, 7), torch.zeros(2, 3, 11, 13)))
    assert report.per_operator == {"scaled_dot_product_attention": 2 * 3 * (5 * 7 * 11 + 5 * 11 * 13)}
    assert report.total_known == 0


def test_linear_is_counted_by_fvcore_alone():
    report = count(nn.Linear(4, 3), (torch.zeros(5, 4),))
    assert (report.total, report.total_known) == (5 * 4 * 3, 5 * 4 * 3)


def test_uncalled_modules_and_elementwise_operators_are_listed():
    module = nn.Sequential(nn.Linear(4, 3), nn.GELU())
    module.spare = nn.Linear(2, 2)
    module.forward = lambda x: module[1](module[0](x))
    report = count(module, (torch.zeros(1, 4),))
    assert report.unsupported == {"aten::gelu": 1}
    assert report.uncalled == {"spare"}


def test_uncounted_work_is_refused():
    class Cumulative(nn.Module):
        def forward(self, x):
            return torch.fft.fft(x).real

    with pytest.raises(CheckFailed, match="aten::fft_fft"):
        count(Cumulative(), (torch.zeros(1, 8),))


@pytest.mark.parametrize("name", MODELS)
def test_demo_arms(name):
    comparison = compared(name)
    features = build(name, "demo").classifier.in_features
    assert comparison.inference_equal
    assert comparison.training_equal_but_head
    assert comparison.training_au.total - comparison.training_baseline.total == features * 18
    assert comparison.au_parameters - comparison.baseline_parameters == features * 18 + 18
    assert comparison.inference_baseline.uncalled == frozenset()


def test_rows_and_json():
    comparison = compared("mae_dfer")
    rows = comparison_rows(comparison)
    assert [(row["mode"], row["arm"]) for row in rows] == [
        ("inference", "baseline"),
        ("inference", "au"),
        ("training", "baseline"),
        ("training", "au"),
    ]
    assert [row["added"] for row in rows] == [0, 0, 0, comparison.head_multiply_adds]
    assert rows[0]["parameters"] == rows[1]["parameters"] == rows[2]["parameters"] < rows[3]["parameters"]
    assert rows == comparison_lines(["mae_dfer"], "demo")
    assert json.loads(json.dumps(comparison_json(comparison)))["inference_equal"] is True


def test_a_costlier_arm_is_found():
    comparison = compared("mae_dfer")
    dearer = replace(comparison.inference_au, total=comparison.inference_au.total + 1)
    assert not replace(comparison, inference_au=dearer).inference_equal
    moved = dict(comparison.training_au.per_operator)
    moved["linear"] -= 1
    moved["conv"] += 1
    assert not replace(comparison, training_au=replace(comparison.training_au, per_operator=moved)).passed


def test_unknown_model():
    with pytest.raises(ManifestError, match="m3dfel, former_dfer, mae_dfer"):
        compare("r3d")


@pytest.mark.parametrize("name", MODELS)
def test_full_multiply_adds(name):
    with torch.device("meta"):  # parameters keep their shapes; drawing 85 million values takes longer than counting
        model = build(name, "full")
    report = count(model.to_empty(device="cpu").eval(), (torch.zeros(1, *input_shape(name, "full")),))
    expected = FULL[name]
    assert report.total_known == expected["known"]
    assert report.per_operator["scaled_dot_product_attention"] == expected["attention"]
    assert report.per_operator.get("lstm", 0) == expected["lstm"]
    assert report.total == sum(expected.values())


def test_full_attention_and_lstm_by_hand():
    # M3DFEL: 8 heads, 4 instances on 4, width 128, twice. LSTM: 4 steps, 2 directions, 512 and then 1024 into 512.
    assert FULL["m3dfel"]["attention"] == 8 * 4 * 4 * 128 * 2
    assert FULL["m3dfel"]["lstm"] == 4 * 2 * 4 * 512 * ((512 + 512) + (1024 + 512))
    # Former-DFER: 16 frames of 49 positions, 8 heads of 32; three layers of 17 tokens, 8 heads of 64.
    assert FULL["former_dfer"]["attention"] == 16 * 8 * 49 * 49 * 32 * 2 + 3 * 8 * 17 * 17 * 64 * 2
    # MAE-DFER, 16 blocks of width 512: 8 regions of 101 tokens, 8 region tokens, 800 local tokens on 8 region tokens.
    assert FULL["mae_dfer"]["attention"] == 16 * 512 * 2 * (8 * 101 * 101 + 8 * 8 + 800 * 8)
