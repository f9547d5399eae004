"""Turns, ratios and intervals. Nothing here asserts a time."""

import itertools
import time

import pytest

from harness.bench import timing
from harness.bench.timing import alternate, rate, ratio, repeated, repeats, spread


def test_every_subject_runs_once_a_round_behind_the_warm_up() -> None:
    calls: list[str] = []
    subjects = {name: (lambda name=name: calls.append(name)) for name in "abc"}
    seconds = alternate(subjects, 4, seed=1)
    rounds = [calls[i : i + 3] for i in range(0, len(calls), 3)]
    assert len(rounds) == 1 + 4
    assert all(sorted(one) == ["a", "b", "c"] for one in rounds)
    assert {name: len(values) for name, values in seconds.items()} == {"a": 4, "b": 4, "c": 4}


def test_the_order_within_rounds_is_drawn_from_the_seed() -> None:
    def orders(seed: int) -> list[str]:
        calls: list[str] = []
        alternate({name: (lambda name=name: calls.append(name)) for name in "ab"}, 20, seed)
        return calls

    assert orders(0) == orders(0)
    assert orders(0) != orders(1)
    # Neither always goes first: what one leaves in the caches must not favour the other throughout.
    assert {"".join(orders(0)[i : i + 2]) for i in range(0, 42, 2)} == {"ab", "ba"}


def test_the_warm_up_is_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    # The clock is read before and behind each call: 100 s the first, then 1 s and 2 s.
    clock = itertools.chain([0, 100], [200, 201], [300, 302])
    monkeypatch.setitem(timing.CLOCKS, "wall", lambda: next(clock))
    assert alternate({"one": lambda: None}, 2) == {"one": [1, 2]}


def test_a_ratio_is_taken_round_by_round() -> None:
    # The machine was three times slower in the second round, for both: the ratios are 2, 2 and 3.
    found = ratio({"slow": [2.0, 6.0, 3.0], "fast": [1.0, 3.0, 1.0]}, "slow", "fast")
    assert (found.median, found.rounds) == (2.0, 3)


def test_a_rate_is_the_amount_over_the_seconds() -> None:
    found = rate([1.0, 2.0, 4.0], 8)
    assert (found.median, found.first_quartile, found.third_quartile) == (4.0, 3.0, 6.0)


def test_the_interval_of_a_median_is_a_pair_of_the_values() -> None:
    # Of ten values the second and the ninth: P(Binomial(10, 1/2) <= 1) = 11/1024 = 0.0107, and 56/1024 for one more.
    found = spread([float(value) for value in (3, 1, 2, 10, 9, 8, 7, 4, 5, 6)])
    assert (found.low, found.high) == (2.0, 9.0)


def test_five_rounds_give_no_interval() -> None:
    # Even the smallest and the largest of five miss the median with probability 2/32.
    found = spread([1.0, 2.0, 3.0, 4.0, 5.0])
    assert (found.low, found.high) == (None, None)


def test_a_short_call_is_repeated_until_a_timing_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 10.05])
    monkeypatch.setitem(timing.CLOCKS, "wall", lambda: next(clock))
    assert repeats(lambda: None, 0.2) == 4


def test_repeated_calls_so_many_times() -> None:
    calls: list[int] = []
    repeated(lambda: calls.append(1), 3)()
    assert calls == [1, 1, 1]


def test_the_other_clock_stands_while_nothing_is_worked_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(timing.CLOCKS, "wall", lambda: pytest.fail("the wall's clock was read"))
    (slept,) = alternate({"sleep": lambda: time.sleep(0.01)}, 1, clock="cpu")["sleep"]
    assert slept < 0.01
