"""Selection rules on a made-up course of WARs."""

import torch

from harness.engine.selection import Choice, update
from harness.manifest import SelectionRule

RULES: tuple[SelectionRule, ...] = ("last", "best-on-val", "best-on-test")


def course(test: list[float], val: list[float]) -> dict[SelectionRule, Choice]:
    choices: dict[SelectionRule, Choice] = {}
    for epoch, (test_war, val_war) in enumerate(zip(test, val, strict=True), start=1):
        choices = update(choices, RULES, epoch, torch.tensor([[float(epoch)]]), test_war, val_war)
    return choices


def test_each_rule_names_its_epoch() -> None:
    choices = course(test=[0.2, 0.6, 0.5], val=[0.3, 0.1, 0.2])
    assert {rule: choice.epoch for rule, choice in choices.items()} == {"last": 3, "best-on-val": 1, "best-on-test": 2}
    assert {rule: choice.logits_NE.item() for rule, choice in choices.items()} == {
        "last": 3.0, "best-on-val": 1.0, "best-on-test": 2.0,
    }  # fmt: skip


def test_ties_go_to_the_earlier_epoch() -> None:
    assert course(test=[0.5, 0.5], val=[0.4, 0.4])["best-on-test"].epoch == 1


def test_best_on_val_never_looks_at_the_test_fold() -> None:
    assert course(test=[0.9, 0.1], val=[0.1, 0.2])["best-on-val"].epoch == 2
