"""The report of the paper's audit: the committed files again, and its findings worked out from the JSON alone.

The second part imports nothing of the harness's arithmetic: it reads reports/audit/audit.json and counts.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from math import comb
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.audit.inputs import paper_inputs
from harness.analysis.audit.whole import Audit, audit
from harness.report.audit_json import audit_text, plain
from harness.report.audit_report import audit_markdown, escaped, pipes
from harness.report.audit_summary import MOST_LINES, summary

COMMITTED = Path(__file__).parents[2] / "reports" / "audit"
Json = dict[str, Any]


@pytest.fixture(scope="module")
def paper() -> Audit:
    return audit(paper_inputs())


@pytest.fixture(scope="module")
def said() -> Json:
    return dict(json.loads((COMMITTED / "audit.json").read_text()))


def test_the_committed_report_is_what_the_audit_writes(paper: Audit) -> None:
    assert audit_markdown(paper) == (COMMITTED / "audit.md").read_text()


def test_the_committed_json_is_what_the_audit_writes(paper: Audit) -> None:
    assert audit_text(paper) == (COMMITTED / "audit.json").read_text()


def test_the_summary_fits_a_screen(paper: Audit) -> None:
    assert 5 <= len(summary(paper)) <= MOST_LINES


def test_every_finding_can_be_looked_up_from_the_markdown(paper: Audit) -> None:
    """Each by its id, or in the tables of effects, repetitions and WARs below UAR."""
    text = audit_markdown(paper)
    for one in paper.findings:
        if one.kind not in ("effect", "replication", "war-below-uar"):
            assert f"`{one.id}`" in text


def test_cells_of_a_table_cannot_break_it() -> None:
    assert escaped("a|b\nc") == "a\\|b c"
    assert pipes(["x"], [["1|2"]]) == ["| x |", "| --- |", "| 1\\|2 |", ""]


def test_numbers_are_printed_alike_everywhere() -> None:
    assert plain({1: (0.1 + 0.2, 5.770931234e-06, True, 3)}) == {"1": [0.3, 5.77093e-06, True, 3]}


# From here on: the JSON, and arithmetic.


def found(said: Json, kind: str) -> list[Json]:
    some = [one for one in said["findings"] if one["kind"] == kind]
    assert some
    return some


def cells(said: Json, table: str, row: str) -> dict[str, str]:
    return dict(next(one["cells"] for one in said["inputs"]["tables"][table]["rows"] if one["row"] == row))


def folds(said: Json, basis: str) -> list[list[int]]:
    """Clips per class of each fold that a basis of DFEW averages over."""
    sizes = said["inputs"]["class_sizes"]["dfew"]["folds"]
    if basis == "pooled":
        return [[sum(column) for column in zip(*sizes.values(), strict=True)]]
    return list(sizes.values()) if basis == "mean-of-folds" else [sizes[basis.removeprefix("fold")]]


def ends(text: str) -> tuple[Fraction, Fraction]:
    """What rounds to a print, as shares of one."""
    half = Fraction(Decimal(1).scaleb(Decimal(text).as_tuple().exponent)) / 200  # type: ignore[arg-type]
    return Fraction(text) / 100 - half, Fraction(text) / 100 + half


def rounds(value: Fraction, text: str) -> bool:
    low, high = ends(text)
    return low <= value <= high


def counts(text: str, n: int) -> list[int]:
    return [k for k in range(n + 1) if rounds(Fraction(k, n), text)]


def classes(said: Json, one: Json) -> list[str]:
    return list(said["inputs"]["tables"][one["table"]]["classes"])


def test_uar_is_not_the_mean(said: Json) -> None:
    for one in found(said, "uar-not-mean"):
        row = cells(said, one["table"], one["row"])
        printed = [ends(row[name]) for name in classes(said, one)]
        low, high = (sum(end) / len(printed) for end in zip(*printed, strict=True))
        assert high < ends(row["UAR"])[0] or ends(row["UAR"])[1] < low
        assert one["derived"] == f"{float(100 * low):.3f} to {float(100 * high):.3f}"


def filled(recall: Fraction, weights: list[Fraction]) -> Fraction:
    """What a class of mean recall adds to WAR if its right clips fill the folds in the order of `weights`."""
    left, total = recall * len(weights), Fraction(0)
    for weight in weights:
        total += weight * min(left, Fraction(1))
        left -= min(left, Fraction(1))
    return total


def war_bounds(row: dict[str, str], names: list[str], on: list[list[int]]) -> tuple[Fraction, Fraction]:
    low = high = Fraction(0)
    for place, name in enumerate(names):
        weights = sorted(Fraction(fold[place], sum(fold) * len(on)) for fold in on)
        least, most = (min(max(end, Fraction(0)), Fraction(1)) for end in ends(row[name]))
        low, high = low + filled(least, weights), high + filled(most, weights[::-1])
    return low, high


def test_war_is_not_the_weighted_mean(said: Json) -> None:
    """On every basis where none is named. On a named one from the counts of the evidence, within what they leave."""
    for one in found(said, "war-not-weighted-mean"):
        row, names = cells(said, one["table"], one["row"]), classes(said, one)
        low, high = ends(row["WAR"])
        for basis in one["evidence"]["allowed"] if not one["basis"] else [one["basis"]]:
            least, most = war_bounds(row, names, folds(said, basis))
            assert most < low or high < least or one["basis"] == "mean-of-folds"
        if one["basis"]:
            least, most = (Fraction(end) / 100 for end in one["derived"].split(" to "))
            assert most < low or high < least


def test_a_cell_is_no_fraction(said: Json) -> None:
    for one in found(said, "cell-not-a-fraction"):
        place = classes(said, one).index(one["column"])
        for basis in [one["basis"]] if one["basis"] else ["fold1", "fold2", "fold3", "fold4", "fold5", "pooled"]:
            (fold,) = folds(said, basis)
            assert not counts(one["printed"], fold[place])
        if not one["basis"]:  # the mean over folds too: all folds have as many clips, so their sum decides
            sizes = {fold[place] for fold in folds(said, "mean-of-folds")}
            assert len(sizes) == 1
            assert not counts(one["printed"], 5 * sizes.pop())


def test_a_repair_closes_the_row(said: Json) -> None:
    for one in found(said, "repair"):
        row, names = cells(said, one["table"], one["row"]), classes(said, one)
        for column, (before, after) in one["evidence"]["changes"].items():
            assert row[column] == before
            row[column] = after
        (fold,) = folds(said, one["basis"])
        right = [counts(row[name], n) for name, n in zip(names, fold, strict=True)]
        assert all(len(some) == 1 for some in right)
        pairs = [(k, n) for (k,), n in zip(right, fold, strict=True)]
        assert rounds(Fraction(sum(k for k, _ in pairs), sum(fold)), row["WAR"])
        assert rounds(sum(Fraction(k, n) for k, n in pairs) / len(pairs), row["UAR"])


def test_a_shift_closes_the_row_but_for_the_lost_cell(said: Json) -> None:
    (one,) = found(said, "shifted")
    row, names = cells(said, one["table"], one["row"]), classes(said, one)
    after = {column: cell for column, (_, cell) in one["evidence"]["changes"].items()}
    assert list(after.values())[1:] == [row[column] for column in list(after)[:-1]]
    row |= after
    (fold,) = folds(said, one["basis"])
    lost = names.index(one["column"])
    sure = {place: counts(row[name], fold[place])[0] for place, name in enumerate(names) if place != lost}
    fitting = [
        k
        for k in range(fold[lost] + 1)
        if rounds(Fraction(sum(sure.values()) + k, sum(fold)), row["WAR"])
        and rounds(sum((Fraction(n, fold[p]) for p, n in {**sure, lost: k}.items()), Fraction(0)) / 7, row["UAR"])
    ]
    assert fitting


def test_a_war_is_no_count(said: Json) -> None:
    one = found(said, "dropped-line")[0]
    (fold,) = said["inputs"]["class_sizes"]["ferv39k"]["folds"].values()
    assert cells(said, one["table"], one["row"])[one["column"]] == one["printed"]
    assert not counts(one["printed"], sum(fold))
    (k,) = counts(one["printed"], sum(fold) - 1)
    assert one["derived"] == f"{k}/{sum(fold) - 1}"


def test_one_quantity_is_printed_twice(said: Json) -> None:
    for one in found(said, "same-quantity-differs"):
        other = one["evidence"]
        here = cells(said, one["table"], one["row"])[one["column"]]
        there = cells(said, other["other_table"], other["other_row"])[other["other_column"]]
        assert (here, there) == (one["printed"], one["derived"])
        assert max(ends(here)[0], ends(there)[0]) >= min(ends(here)[1], ends(there)[1])


def p_of(gained: int, lost: int) -> float:
    """McNemar's exact p, two-sided."""
    n, k = gained + lost, min(gained, lost)
    return min(1.0, float(Fraction(2 * sum(comb(n, i) for i in range(k + 1)), 2**n)))


def discordant(one: Json) -> Iterator[tuple[int, int]]:
    """Gained and lost clips with the fewest, then the most on which the arms can differ."""
    for most in (False, True):
        gained = lost = 0
        for count in one["evidence"]["classes"].values():
            k, after, n = count["baseline"], count["arm"], count["clips"]
            here = min(k, n - after) if most else max(0, k - after)
            gained, lost = gained + here + after - k, lost + here
        yield gained, lost


def test_the_bounds_of_p_follow_from_the_counts(said: Json) -> None:
    effects = [one for one in found(said, "effect") if one["basis"] == "fold1"]
    assert len(effects) >= 6
    for one in effects:
        for p, pair in zip(one["evidence"]["p"], discordant(one), strict=True):
            assert p == pytest.approx(p_of(*pair), rel=1e-5)


def test_the_counts_follow_from_the_cells(said: Json) -> None:
    for one in (one for one in found(said, "effect") if one["table"] == "table3" and one["basis"] == "fold1"):
        (fold,) = folds(said, "fold1")
        for arm, row in (("arm", one["row"]), ("baseline", one["evidence"]["baseline"])):
            printed = cells(said, "table3", row)
            for name, n in zip(classes(said, one), fold, strict=True):
                assert counts(printed[name], n) == [one["evidence"]["classes"][name][arm]]


def test_holms_correction_is_over_the_table(said: Json) -> None:
    for end in (0, 1):
        effects = sorted((one for one in found(said, "effect") if one["table"] == "table3"),
                         key=lambda one: one["evidence"]["p"][end])  # fmt: skip
        largest = 0.0
        for rank, one in enumerate(effects):
            largest = max(largest, min(1.0, (len(effects) - rank) * one["evidence"]["p"][end]))
            assert one["evidence"]["p_holm"][end] == pytest.approx(largest, rel=1e-4)


def test_rare_classes_would_have_to_be_far_better(said: Json) -> None:
    for one in found(said, "war-below-uar"):
        sizes = said["inputs"]["class_sizes"][one["evidence"]["dataset"]]["folds"]
        fold = [sum(column) for column in zip(*sizes.values(), strict=True)]
        row = cells(said, one["table"], one["row"])
        war, uar = (Fraction(row[name]) for name in one["column"].split(", "))
        above = sum(max(Fraction(n, sum(fold)) - Fraction(1, len(fold)), Fraction(0)) for n in fold)
        assert one["evidence"]["contrast_points"] == f"{float((uar - war) / above):.1f}"


def test_exchanged_values_are_those_of_the_source(said: Json) -> None:
    for one in (one for one in found(said, "columns-exchanged") if "WAR_from" in one["evidence"]):
        row = cells(said, one["table"], one["row"])
        war, uar = (row[name] for name in one["column"].split(", "))
        for printed, metric, source in ((war, "UAR", "UAR_from"), (uar, "WAR", "WAR_from")):
            here = one["evidence"][source]
            assert here[metric] == printed
            assert any(
                (known["source"], known["variant"], known["values"].get(metric))
                == (here["source"], here["variant"], printed)
                for known in said["inputs"]["literature"]
            )


def test_flops_are_not_those_measured(said: Json) -> None:
    for one in found(said, "flops"):
        measured = said["inputs"]["multiply_adds"][one["row"].partition(",")[0]]["multiply-adds"]
        low, high = ends(one["printed"])
        assert not 100 * low <= Fraction(measured, 10**9) <= 100 * high


def test_copied_cells_are_equal(said: Json) -> None:
    for one in (one for one in found(said, "copied-cells") if "rows" in one["evidence"]):
        first, second = (cells(said, one["table"], row) for row in one["evidence"]["rows"])
        assert all(first[name] == second[name] for name in one["evidence"]["columns"])


def test_a_claim_is_contradicted_by_the_cells(said: Json) -> None:
    (one,) = (one for one in found(said, "claim-contradicted") if one["row"] == "minor-classes-improve")
    for cell in one["evidence"]["against"]:
        arm = cells(said, one["table"], cell["row"])[cell["column"]]
        base = cells(said, one["table"], f"{cell['row'].rpartition(', ')[0]}, baseline")[cell["column"]]
        assert Fraction(arm) <= Fraction(base)
        assert arm == cell["printed"]


def test_released_constants(said: Json) -> None:
    figures = said["inputs"]["figures"]
    rows = {(name, row["row"]): row["cells"] for name, table in figures.items() for row in table["rows"]}
    assert len({rows["released", row["row"]]["AU28"] for row in figures["released"]["rows"]}) == 1
    equal = [one for one in found(said, "released-constant") if "equal_to" in one["evidence"]]
    for one in equal:
        for other in one["evidence"]["equal_to"]:
            table, row = other.split(":")
            same = {unit: float(text) for unit, text in rows[table, row].items()}
            here = {unit: float(text) for unit, text in rows[one["table"], one["row"]].items()}
            assert here == pytest.approx(same, rel=1e-12)
    assert equal
