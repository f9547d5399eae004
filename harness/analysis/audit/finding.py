"""What the audit says: findings of documented kinds, each with all that is needed to work it out again."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Confidence = Literal["certain", "likely", "possible"]

KINDS = {
    "uar-not-mean": "UAR is not the mean of the class cells, whatever was rounded off",
    "war-not-weighted-mean": "WAR is not the class-weighted mean of the class cells, on the row's basis or on any",
    "cell-not-a-fraction": "a class cell is no rounded k/n for any integer k, on the row's basis or on any",
    "no-basis": "the row's cells close on no basis together",
    "repair": "a single change makes a row close that does not: a suggestion",
    "shifted": "the row's values stand one column from where they belong",
    "war-no-count": "WAR is no rounded k/N for the test fold",
    "dropped-line": "WAR is a rounded k/N only if the test list lost lines",
    "same-quantity-differs": "two tables print different values of one quantity",
    "war-below-uar": "WAR below UAR by more than the class sizes make plausible",
    "columns-exchanged": "WAR and UAR look exchanged against the literature or the class sizes",
    "differs-from-literature": "a value is not the one that its source gives",
    "replication": "what a method's authors publish beside the paper's own repetition: a size, no fault",
    "copied-cells": "cells equal to another row's, more than chance allows",
    "flops": "GFLOPs are not those measured",
    "effect": "the size of a claimed effect in clips, with an interval and a p value",
    "claim-contradicted": "a statement of the text that the tables contradict",
    "released-constant": "a constant of the released code that is not what the paper says",
}
"""Every kind of finding. `effect`, `replication` and `repair` are no faults: two are sizes, one is a suggestion."""


@dataclass(frozen=True)
class Finding:
    """One statement of the audit.

    table, row, column: where (`row` as "METHOD, ARM"; empty where it is about more). printed: the text as printed.
    derived: what the other inputs make of it. basis: fold1, pooled, mean-of-folds, or empty. evidence: the numbers that
    it rests on, as plain values, enough to work it out by hand. said: one sentence for a reader.
    """

    kind: str
    table: str
    row: str
    column: str
    said: str
    printed: str = ""
    derived: str = ""
    basis: str = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    confidence: Confidence = "certain"

    def __post_init__(self) -> None:
        assert self.kind in KINDS, self.kind

    @property
    def id(self) -> str:
        """The same for the same statement: kind and place."""
        return "/".join(part for part in (self.kind, self.table, self.row, self.column) if part)

    def as_json(self) -> dict[str, Any]:
        """All fields and the id, as plain values."""
        return {"id": self.id, **asdict(self)}
