"""A setting with its rows, its pairs and its names: worked out once, for tables, summary and page. Pure functions."""

from __future__ import annotations

import math
from dataclasses import dataclass

from harness.report.measured import (
    ARMS,
    RULES,
    Difference,
    Key,
    Row,
    Setting,
    fold_set_order,
    measure_rows,
    order_models,
)
from harness.report.pairs import Comparison, Contrast, compare
from harness.report.printed import Paper


@dataclass(frozen=True)
class Measured:
    """A setting's rows, and its AU arms against their baselines as the verdicts have them: no number is made twice.

    differences: the same contrasts, without their statistics. methods: model -> name in the tables, in their order.
    """

    setting: Setting
    rows: dict[Key, Row]
    contrasts: dict[Key, Contrast]
    differences: dict[Key, Difference]
    methods: dict[str, str]

    @property
    def arms(self) -> tuple[str, ...]:
        """The arms of the setting, in the harness's order; a model without one of them gets a row of missing cells."""
        return tuple(arm for arm in ARMS if any(key[1] == arm for key in self.rows))

    @property
    def grids(self) -> list[tuple[str, str]]:
        """(rule, fold set) of every grid, in order."""
        return [(rule, name) for rule in RULES for name in self.fold_sets(rule)]

    def fold_sets(self, rule: str) -> list[str]:
        """Fold sets that any row of a rule supports."""
        return fold_set_order(key[3] for key in self.rows if key[2] == rule)


def measure_setting(setting: Setting, paper: Paper, comparison: Comparison | None = None) -> Measured:
    """Rows, contrasts and method names of a setting. comparison: of its pairs; worked out here if there is none yet."""
    models = order_models({run.config.model for run in setting.all_runs}, list(paper.models))
    methods = {model: paper.models.get(model, model) for model in models}
    found = comparison or compare(setting, list(paper.models))
    contrasts = {one.key: one for one in found.contrasts}
    differences = {key: _difference(one) for key, one in contrasts.items()}
    return Measured(setting, measure_rows(setting, list(paper.models)), contrasts, differences, methods)


def _difference(one: Contrast) -> Difference:
    if one.war is None or one.uar is None:
        return Difference((), math.nan, math.nan, one.broken)
    return Difference(one.seeds, one.war.effect.difference, one.uar.effect.difference, one.broken)
