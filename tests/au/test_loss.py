import csv
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.au import AULoss, combine, mix, mix_shares
from harness.errors import HarnessError

FOLDER = Path(__file__).parents[2] / "manifests" / "knowledge"


def table(name):
    with (FOLDER / name).open() as file:
        return np.array([[float(cell) for cell in line[1:]] for line in list(csv.reader(file))[1:8]])


KNOWLEDGE_EA, POS_WEIGHT_EA = table("knowledge_fig4.csv"), table("pos_weight_dfew.csv")


def batch_of(size, seed=0):
    draw = torch.Generator().manual_seed(seed)
    logits_BA = 2 * torch.randn(size, 18, generator=draw)
    labels_BA = (torch.rand(size, 18, generator=draw) < 0.3).to(torch.uint8)
    return logits_BA, labels_BA, torch.randint(0, 7, (size,), generator=draw)


def one_clip(logits_A, labels_A, weight_A, pos_weight_A):
    """Eq. 9 for one clip, summed over the units, in Python floats: no tensor, no library."""
    total = 0.0
    for x, y, k, w in zip(logits_A, labels_A, weight_A, pos_weight_A, strict=True):
        present = 1 / (1 + math.exp(-x))
        total -= 5 * k * (w * y * math.log(present) + (1 - y) * math.log(1 - present))
    return total


def by_hand(logits_BA, labels_BA, expressions):
    rows = zip(logits_BA.double().tolist(), labels_BA.tolist(), expressions, strict=True)
    return [one_clip(x, y, KNOWLEDGE_EA[e].tolist(), POS_WEIGHT_EA[e].tolist()) for x, y, e in rows]


def test_mean_over_clips_and_units_as_released():
    logits_BA, labels_BA, target_B = batch_of(9)
    loss = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA)(logits_BA, labels_BA, target_B)
    assert loss.item() == pytest.approx(sum(by_hand(logits_BA, labels_BA, target_B.tolist())) / (9 * 18), rel=1e-6)


def test_sum_over_units_as_printed_is_eighteen_times_the_mean():
    logits_BA, labels_BA, target_B = batch_of(9)
    loss = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA, reduction="sum")(logits_BA, labels_BA, target_B)
    assert loss.item() == pytest.approx(sum(by_hand(logits_BA, labels_BA, target_B.tolist())) / 9, rel=1e-6)


@pytest.mark.parametrize("reduction, divisor", [("mean", 3 * 18), ("sum", 3)])
def test_masked_clips_leave_no_trace(reduction, divisor):
    logits_BA, labels_BA, target_B = batch_of(5)
    mask_B = torch.tensor([True, False, True, True, False])
    labels_BA[1] = 1  # whatever a masked clip holds
    logits_BA.requires_grad_()
    loss = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA, reduction=reduction)(logits_BA, labels_BA, target_B, mask_B)
    kept = [by_hand(logits_BA, labels_BA, target_B.tolist())[clip] for clip in (0, 2, 3)]
    assert loss.item() == pytest.approx(sum(kept) / divisor, rel=1e-6)
    loss.backward()
    assert not logits_BA.grad[[1, 4]].any()
    assert logits_BA.grad[[0, 2, 3]].all()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_a_batch_without_au_labels_costs_exactly_nothing(reduction):
    logits_BA, labels_BA, target_B = batch_of(4)
    logits_BA.requires_grad_()
    criterion = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA, reduction=reduction)
    loss = criterion(logits_BA, labels_BA, target_B, torch.zeros(4, dtype=torch.bool))
    loss.backward()
    assert loss.item() == 0
    assert (logits_BA.grad == 0).all()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_units_that_are_lacking_leave_no_trace(reduction):
    logits_BA, labels_BA, target_B = batch_of(4)
    unit_A = np.ones(18, dtype=bool)
    unit_A[[2, 16]] = False
    mask_B = torch.tensor([True, True, False, True])
    logits_BA.requires_grad_()
    loss = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA, reduction=reduction, unit_A=unit_A)(
        logits_BA, labels_BA, target_B, mask_B
    )
    total = 0.0
    for clip in (0, 1, 3):
        rows = KNOWLEDGE_EA[target_B[clip]], POS_WEIGHT_EA[target_B[clip]]
        columns = [
            values[unit_A].tolist()
            for values in (logits_BA[clip].detach().double().numpy(), labels_BA[clip].numpy(), *rows)
        ]
        total += one_clip(*columns)
    assert loss.item() == pytest.approx(total / (3 * 16 if reduction == "mean" else 3), rel=1e-6)
    loss.backward()
    assert not logits_BA.grad[:, [2, 16]].any()
    assert logits_BA.grad[:2, :2].all()


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_all_units_there_is_the_loss_without_them_to_the_bit(reduction):
    logits_BA, labels_BA, target_B = batch_of(64)
    plain = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA, reduction=reduction)
    with_units = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA, reduction=reduction, unit_A=torch.ones(18, dtype=torch.bool))
    assert torch.equal(with_units(logits_BA, labels_BA, target_B), plain(logits_BA, labels_BA, target_B))


def test_no_unit_at_all_is_refused():
    with pytest.raises(HarnessError, match="none of the 18 units"):
        AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA, unit_A=np.zeros(18, dtype=bool))
    with pytest.raises(HarnessError, match=r"unit_A has shape \(17,\)"):
        AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA, unit_A=np.ones(17, dtype=bool))


def test_an_empty_batch_costs_nothing():
    loss = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA)(*batch_of(0))
    assert loss.item() == 0


def test_one_hot_shares_are_the_hard_target_to_the_bit():
    logits_BA, labels_BA, target_B = batch_of(64)
    criterion = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA)
    shares_BE = torch.nn.functional.one_hot(target_B, 7).float()
    assert torch.equal(criterion(logits_BA, labels_BA, shares_BE), criterion(logits_BA, labels_BA, target_B))


def test_a_mixed_target_takes_the_expected_rows():
    logits_BA, _, _ = batch_of(1)
    shares_BE = torch.tensor([[0.75, 0, 0, 0, 0, 0.25, 0]])
    soft_BA = torch.tensor([[0.75, 0.25, 1.0] + [0.0] * 15])
    weight_A = 0.75 * KNOWLEDGE_EA[0] + 0.25 * KNOWLEDGE_EA[5]
    pos_weight_A = 0.75 * POS_WEIGHT_EA[0] + 0.25 * POS_WEIGHT_EA[5]
    expected = one_clip(logits_BA[0].double().tolist(), soft_BA[0].tolist(), weight_A.tolist(), pos_weight_A.tolist())
    loss = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA)(logits_BA, soft_BA, shares_BE)
    assert loss.item() == pytest.approx(expected / 18, rel=1e-6)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**16), share=st.floats(0, 1, width=32))
def test_mixing_two_clips_of_one_expression_keeps_its_rows(seed, share):
    logits_BA, labels_BA, _ = batch_of(2, seed)
    target_B, other = torch.full((2,), seed % 7), torch.tensor([1, 0])
    mixed_BA, mask_B = mix(labels_BA, torch.ones(2, dtype=torch.bool), other, share)
    shares_BE = mix_shares(target_B, other, share)
    expected = by_hand(logits_BA, mixed_BA.double(), target_B.tolist())
    loss = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA, reduction="sum")(logits_BA, mixed_BA, shares_BE, mask_B)
    assert loss.item() == pytest.approx(sum(expected) / 2, rel=1e-5)


def test_gradients_are_those_of_finite_differences():
    logits_BA, labels_BA, target_B = batch_of(3)
    criterion = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA).double()
    mask_B = torch.tensor([True, False, True])
    logits_BA = logits_BA.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x_BA: criterion(x_BA, labels_BA, target_B, mask_B), logits_BA)


def test_large_logits_stay_finite():
    logits_BA = torch.tensor([[1e4, -1e4] + [0.0] * 16])
    loss = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA)(logits_BA, torch.tensor([[0, 1] + [0] * 16]), torch.tensor([0]))
    assert torch.isfinite(loss)


@pytest.mark.parametrize("soft", [False, True])
def test_under_autocast_the_loss_is_computed_in_fp32(soft):
    logits_BA, labels_BA, target_B = batch_of(8)
    target = torch.nn.functional.one_hot(target_B, 7).float() if soft else target_B
    criterion = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA)
    outside = criterion(logits_BA.bfloat16(), labels_BA, target)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        inside = criterion(logits_BA.bfloat16(), labels_BA, target)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, outside)


def test_the_loss_adds_nothing_to_a_state_dict():
    assert not AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA).state_dict()


def test_matrices_move_with_the_module():
    criterion = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA).to("meta")
    assert [buffer.device.type for buffer in criterion.buffers()] == ["meta"]


def test_forward_does_not_look_at_values():
    # On meta tensors any look at a value (item, bool, a branch on data) raises.
    criterion = AULoss(KNOWLEDGE_EA, POS_WEIGHT_EA).to("meta")
    logits_BA, labels_BA, target_B = (tensor.to("meta") for tensor in batch_of(4))
    mask_B = torch.ones(4, dtype=torch.bool, device="meta")
    assert criterion(logits_BA, labels_BA, target_B, mask_B).shape == ()
    labels_BA, mask_B = mix(labels_BA, mask_B, target_B, torch.ones(4, device="meta"))
    assert criterion(logits_BA, labels_BA, mix_shares(target_B, target_B, 0.5), mask_B).shape == ()


@pytest.mark.parametrize(
    "knowledge_EA, pos_weight_EA, options, message",
    [
        (KNOWLEDGE_EA.T, POS_WEIGHT_EA, {}, r"knowledge_EA has shape \(18, 7\), not \(7, 18\)"),
        (KNOWLEDGE_EA, POS_WEIGHT_EA[:6], {}, r"pos_weight_EA has shape \(6, 18\)"),
        (KNOWLEDGE_EA, POS_WEIGHT_EA * np.inf, {}, "pos_weight_EA holds a value that is not"),
        (KNOWLEDGE_EA, POS_WEIGHT_EA * 0, {}, "pos_weight_EA holds a value that is not"),
        (KNOWLEDGE_EA, POS_WEIGHT_EA, {"reduction": "none"}, "reduction 'none' is not one of mean, sum"),
    ],
)
def test_wrong_matrices_and_options_are_refused(knowledge_EA, pos_weight_EA, options, message):
    with pytest.raises(HarnessError, match=message):
        AULoss(knowledge_EA, pos_weight_EA, **options)


def test_eq10():
    assert combine(torch.tensor(2.0), torch.tensor(10.0), 0.25).item() == 4.0
    assert combine(torch.tensor(2.0), torch.tensor(10.0), 1.0).item() == 10.0


def test_ratio_zero_is_the_expression_loss_itself():
    expression_loss = torch.tensor(0.1)
    assert combine(expression_loss, torch.tensor(float("nan")), 0.0) is expression_loss


@pytest.mark.parametrize("ratio", [-0.1, 1.1, float("nan")])
def test_a_ratio_outside_zero_to_one_is_refused(ratio):
    with pytest.raises(HarnessError, match="au_ratio"):
        combine(torch.tensor(2.0), torch.tensor(10.0), ratio)


def test_mix_takes_the_same_share_and_permutation():
    labels_BA = torch.zeros(3, 18, dtype=torch.uint8)
    labels_BA[0, 0] = labels_BA[1, 0] = labels_BA[2, 1] = 1
    mixed_BA, mask_B = mix(labels_BA, torch.ones(3, dtype=torch.bool), torch.tensor([2, 0, 1]), 0.75)
    assert mixed_BA[:, :2].tolist() == [[0.75, 0.25], [1.0, 0.0], [0.25, 0.75]]
    assert mask_B.all()


def test_a_mixture_with_a_clip_without_label_is_masked_unless_its_share_is_nothing():
    mask_B, other = torch.tensor([True, False, True]), torch.tensor([1, 2, 0])
    labels_BA = torch.zeros(3, 18)
    assert mix(labels_BA, mask_B, other, 0.5)[1].tolist() == [False, False, True]
    assert mix(labels_BA, mask_B, other, 1.0)[1].tolist() == [True, False, True]
    assert mix(labels_BA, mask_B, other, torch.tensor([1.0, 0.0, 0.5]))[1].tolist() == [True, True, True]


def test_mix_shares_by_hand():
    shares_BE = mix_shares(torch.tensor([0, 6]), torch.tensor([1, 0]), torch.tensor([0.75, 0.5]))
    assert shares_BE.tolist() == [[0.75, 0, 0, 0, 0, 0, 0.25], [0.5, 0, 0, 0, 0, 0, 0.5]]


def test_eq5_has_the_gradient_of_cross_entropy():
    logits_BE = torch.randn(6, 7, dtype=torch.double, generator=torch.Generator().manual_seed(0), requires_grad=True)
    target_B = torch.tensor([0, 1, 2, 3, 4, 5])
    cross_entropy = torch.nn.functional.cross_entropy(logits_BE, target_B)
    as_printed = -(5 * logits_BE.softmax(1)[range(6), target_B]).log().mean()
    assert (cross_entropy - as_printed).item() == pytest.approx(math.log(5))
    gradients = [torch.autograd.grad(loss, logits_BE)[0] for loss in (cross_entropy, as_printed)]
    assert torch.allclose(*gradients, rtol=1e-12, atol=1e-15)
