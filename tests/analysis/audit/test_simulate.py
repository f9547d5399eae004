"""The audit on tables whose truth is known: no false alarm, the right basis, and slips found where they show."""

import importlib.util
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.analysis.audit.rows import audit_row, audit_table
from harness.analysis.audit.simulate import KINDS, Kind, corrupt, random_table, rounded

_SPEC = importlib.util.spec_from_file_location("corruption", Path(__file__).with_name("corruption.py"))
assert _SPEC is not None
assert _SPEC.loader is not None
corruption = importlib.util.module_from_spec(_SPEC)
sys.modules["corruption"] = corruption  # dataclasses look their module up
_SPEC.loader.exec_module(corruption)

SEEDS = st.integers(0, 2**32 - 1)
CASES = 15  # of four rows each; corruption.py has done two thousand


@pytest.mark.parametrize(
    "value, decimals, text", [(Fraction(3, 29), 2, "10.34"), (Fraction(1, 32), 2, "3.13"), (Fraction(1), 1, "100.0")]
)
def test_shares_are_printed_in_per_cent(value: Fraction, decimals: int, text: str) -> None:
    assert rounded(value, decimals) == text


def test_the_same_seed_draws_the_same_table() -> None:
    assert random_table(Random(7)) == random_table(Random(7))


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_a_table_without_a_slip_has_no_fault_and_its_basis_is_found(seed: int) -> None:
    drawn = random_table(Random(seed), rows=2)
    for verdict in audit_table(drawn.table, drawn.sizes):
        assert verdict.findings == ()
        assert drawn.basis.name in verdict.bases


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.sampled_from(KINDS))
def test_a_slip_is_found_unless_the_row_is_consistent_with_it_and_no_other_row_is_blamed(seed: int, kind: Kind) -> None:
    random = Random(seed)
    drawn = random_table(random, rows=3)
    slipped = corrupt(random, drawn.table, kind)
    for number, row in enumerate(slipped.table.rows):
        verdict = audit_row(row, slipped.table, drawn.sizes)
        assert verdict.closes == (verdict.findings == ())
        assert verdict.closes or number == slipped.row


@pytest.mark.parametrize("kind", KINDS)
def test_a_slip_changes_one_row(kind: Kind) -> None:
    drawn = random_table(Random(3))
    slipped = corrupt(Random(5), drawn.table, kind)
    changed = [n for n, (a, b) in enumerate(zip(drawn.table.rows, slipped.table.rows, strict=True)) if a != b]
    assert changed == [slipped.row]
    assert slipped.before == drawn.table.rows[slipped.row]
    assert replace(slipped.table, rows=drawn.table.rows) == drawn.table


def test_most_slips_are_found_and_no_right_row_is_blamed() -> None:
    rows = corruption.rates(CASES, seed=1)
    everything = rows[-1]
    assert (everything.cases, everything.false_alarms, everything.wrong_basis) == (CASES, 0, 0)
    assert everything.found + sum(everything.missed.values()) == CASES
    assert everything.found >= 0.8 * CASES
    assert len(list(corruption.markdown(rows))) == 2 + len(rows)
