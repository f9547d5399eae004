"""What the inserted lines call, on a model of two linear layers. B batch, E expressions (7), A action units (18)."""

import math

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, logsumexp
from torch import nn
from torch.nn import functional as F

from harness.errors import RunError
from harness.upstream.hooks import Run
from harness.upstream.job import AUJob, Job, JobArrays

NAMES = ("00001", "00002", "00003", "00004")
ONES_EA = np.ones((7, 18))


def job(tmp_path, ratio=0.25):
    return Job(
        upstream="toy",
        tree=tmp_path,
        entry="main.py",
        work=tmp_path,
        argv=(),
        shims=(),
        seed=0,
        threads=1,
        device="cpu",
        au=None if ratio is None else AUJob(ratio=ratio, reduction="mean"),
    )


def clips(mask=(True, True, True, True)):
    """Four clips of classes 0 to 3, the last two for the test; clip i has AU i alone. Weights of 1 in Eq. 9."""
    label_NA = np.eye(4, 18, dtype=np.float32)
    test_N = np.array([False, False, True, True])
    return JobArrays(NAMES, np.arange(4), label_NA, np.array(mask), test_N, ONES_EA / 5, ONES_EA)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.fc = nn.Linear(3, 5), nn.Linear(5, 7)

    def forward(self, x):
        return self.fc(self.body(x))


@pytest.fixture
def trained(tmp_path):
    """A run with its model after one forward pass of two clips, and the logits."""
    torch.manual_seed(0)
    run, model = Run(job(tmp_path), clips()), Model()
    run.add_head(model, "fc")
    return run, model, model(torch.ones(2, 3))


def au_logits(run, model):
    return run.heads["au"].linear(model.body(torch.ones(2, 3)))


def test_without_a_job_nothing_happens():
    run, model = Run(), Model()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    loss = torch.tensor(1.0)
    run.add_head(model, "fc")
    run.extend(optimizer)
    assert run.loss(loss, torch.tensor([0]), ["00001"]) is loss
    run.predict(["00009"], torch.tensor([0]), torch.zeros(1, 7))
    run.end_epoch()
    assert len(optimizer.param_groups) == 1
    assert len(run.heads) == 0


def test_a_baseline_has_no_head_and_its_own_loss(tmp_path):
    run, model = Run(job(tmp_path, ratio=None), clips()), Model()
    run.add_head(model, "fc")
    loss = F.cross_entropy(model(torch.ones(1, 3)), torch.tensor([0]))
    assert run.loss(loss, torch.tensor([0]), ["00001"]) is loss
    assert len(run.heads) == 0


def test_ratio_zero_leaves_the_loss_as_it_is(tmp_path):
    run, model = Run(job(tmp_path, ratio=0.0), clips()), Model()
    run.add_head(model, "fc")
    loss = F.cross_entropy(model(torch.ones(1, 3)), torch.tensor([0]))
    assert run.loss(loss, torch.tensor([0]), ["00001"]) is loss
    assert len(run.heads) == 1


def test_the_loss_is_eq_10_with_the_clips_labels(trained):
    run, model, logits_BE = trained
    target_B = torch.tensor([1, 0])
    expression_loss = F.cross_entropy(logits_BE, target_B)
    found = run.loss(expression_loss, target_B, ["some/where/00002", "00001"])
    labels_BA = torch.eye(2, 18).flip(0)
    expected = 0.75 * expression_loss + 0.25 * F.binary_cross_entropy_with_logits(au_logits(run, model), labels_BA)
    torch.testing.assert_close(found, expected)


def test_mixed_clips_have_mixed_labels(trained):
    run, model, logits_BE = trained
    target_B = torch.tensor([0, 1])
    expression_loss = F.cross_entropy(logits_BE, target_B)
    found = run.loss(expression_loss, target_B, ["00001", "00002"], 0.3)
    labels_BA = 0.3 * torch.eye(2, 18) + 0.7 * torch.eye(2, 18).flip(0)
    expected = 0.75 * expression_loss + 0.25 * F.binary_cross_entropy_with_logits(au_logits(run, model), labels_BA)
    torch.testing.assert_close(found, expected)


def test_a_clip_without_an_au_label_has_no_part_in_the_au_loss(tmp_path):
    torch.manual_seed(0)
    run, model = Run(job(tmp_path), clips(mask=(True, False, True, True))), Model()
    run.add_head(model, "fc")
    expression_loss = F.cross_entropy(model(torch.ones(2, 3)), torch.tensor([0, 1]))
    found = run.loss(expression_loss, torch.tensor([0, 1]), ["00001", "00002"])
    labelled_BA = au_logits(run, model)[:1]
    expected = 0.75 * expression_loss + 0.25 * F.binary_cross_entropy_with_logits(labelled_BA, torch.eye(1, 18))
    torch.testing.assert_close(found, expected)


def test_the_head_is_in_the_optimiser_and_draws_nothing_from_the_global_generator(tmp_path):
    run, model = Run(job(tmp_path), clips()), Model()
    optimizer = torch.optim.SGD(model.parameters(), 0.1, weight_decay=0.5)
    before = torch.get_rng_state()
    run.add_head(model, "fc")
    run.extend(optimizer)
    assert torch.equal(torch.get_rng_state(), before)
    head = list(run.heads.parameters())
    assert [list(part.shape) for part in optimizer.param_groups[1]["params"]] == [[18, 5], [18]]
    assert all(one is other for one, other in zip(optimizer.param_groups[1]["params"], head, strict=True))
    assert optimizer.param_groups[1]["weight_decay"] == 0.5


def test_groups_of_the_upstreams_own_go_into_the_optimiser(tmp_path):
    run, model = Run(job(tmp_path), clips()), Model()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.add_head(model, "fc")
    run.extend(optimizer, [{"params": [one], "lr_scale": 1.0} for one in run.heads.parameters()])
    assert [group.get("lr_scale") for group in optimizer.param_groups] == [None, 1.0, 1.0]


def test_a_loss_that_is_not_finite_ends_the_run(trained):
    run, _, _ = trained
    with pytest.raises(RunError, match=r"nan.* at step 0: not finite; lower the learning rate"):
        run.loss(torch.tensor(math.nan), torch.tensor([0, 1]), ["00001", "00002"])


def epoch_of(tmp_path, *batches):
    """Record and logits that one epoch hands over after a training step and these test batches."""
    handed = []
    run = Run(job(tmp_path, ratio=None), clips(), lambda record, logits_NE: handed.append((record, logits_NE)))
    run.loss(torch.tensor(2.0), torch.tensor([0]), ["00001"])
    run.loss(torch.tensor(4.0), torch.tensor([0]), ["00001"])
    for batch in batches:
        run.predict(*batch)
    run.end_epoch()
    return handed[0]


def test_logits_come_in_the_order_of_the_lists_whatever_the_order_of_batches(tmp_path):
    logits_BE = torch.arange(14.0).reshape(2, 7)
    _, found_NE = epoch_of(tmp_path, (["00004", "00003"], torch.tensor([3, 2]), logits_BE))
    np.testing.assert_array_equal(found_NE, logits_BE.flip(0).numpy())


def test_views_of_a_clip_become_the_log_of_their_mean_softmax(tmp_path):
    views_VNE = np.random.default_rng(0).normal(size=(3, 2, 7)).astype(np.float32)
    batches = [(["00003", "00004"], torch.tensor([2, 3]), torch.from_numpy(view_NE)) for view_NE in views_VNE]
    _, found_NE = epoch_of(tmp_path, *batches)
    expected = logsumexp(log_softmax(views_VNE.astype(float), axis=-1), axis=0) - math.log(3)
    np.testing.assert_allclose(found_NE, expected, atol=1e-6)


def test_the_epochs_line_has_the_mean_losses(tmp_path):
    record, _ = epoch_of(tmp_path, (["00003", "00004"], torch.tensor([2, 3]), torch.zeros(2, 7)))
    kept = {key: record[key] for key in ("epoch", "step", "loss", "expression_loss", "au_loss")}
    assert kept == {"epoch": 1, "step": 2, "loss": 3.0, "expression_loss": 3.0, "au_loss": None}


@pytest.mark.parametrize(
    ("batches", "message"),
    [
        ([(["00003"], torch.tensor([2]), torch.zeros(1, 7))], r"predicted \[0, 1\] times"),
        ([], r"predicted \[0\] times"),
        ([(["00001"], torch.tensor([0]), torch.zeros(1, 7))], "clip 00001 with class 0 is no test clip"),
        ([(["00003"], torch.tensor([3]), torch.zeros(1, 7))], "clip 00003 with class 3 is no test clip"),
    ],
    ids=["missing", "none", "training-clip", "another-class"],
)
def test_predictions_that_are_not_those_of_the_lists_are_refused(tmp_path, batches, message):
    with pytest.raises(RunError, match=message):
        epoch_of(tmp_path, *batches)


def test_a_named_data_set_gives_each_class_with_its_clip():
    frames = torch.zeros(1)
    named = Run().named([(frames, 4, 0, {}), (frames, 5, 1, {})], ["a/00007", "b/00008"])
    assert len(named) == 2
    assert named[1] == (frames, (5, "00008"), 1, {})
