"""Claims of the text: each predicate on a table made up by hand, then the paper's."""

from pathlib import Path
from typing import Any

import pytest

from harness.analysis.audit.claims import Claim, ClaimResults, Context, check_claims, read_claims
from harness.analysis.audit.table import Cell, FoldSizes, Row, Table, fold_sizes, read_table
from harness.errors import DataError
from harness.manifest import load_dataset, load_model, manifests_dir

PAPER = manifests_dir() / "paper"
COLUMNS = ("x", "y", "WAR", "Avg")


def table() -> Table:
    lines = [
        ("R", "reported", "70.0 60.0 65.0 1.0"),
        ("A", "baseline", "50.0 40.0 45.0 1.0"),
        ("A", "one", "52.0 41.0 46.5 1.0"),
        ("A", "two", "49.0 44.0 45.0 1.1"),
    ]
    rows = [Row(i, method, arm, dict(zip(COLUMNS, map(Cell, cells.split()), strict=True)))
            for i, (method, arm, cells) in enumerate(lines, 1)]  # fmt: skip
    return Table("t", COLUMNS, ("x", "y"), tuple(rows))


CONTEXT = Context({"t": table()}, {"set": FoldSizes("set", ("x", "y"), {1: (30, 10)})}, {"A": {"epochs": 300}})


def ask(predicate: str, *, tendency: bool = False, **arguments: Any) -> ClaimResults:
    return check_claims([Claim("c", "It is so", "section 1", predicate, arguments, tendency=tendency)], CONTEXT)


def against(predicate: str, **arguments: Any) -> list[tuple[str, str, str, str]]:
    results = ask(predicate, **arguments)
    found = [one for finding in results.contradicted for one in finding.evidence["against"]]
    assert bool(found) != bool(results.holds)
    return [(one["row"], one["column"], one["printed"], one["needed"]) for one in found]


def test_arms_beat_their_baseline() -> None:
    assert against("arms_beat_baseline", table="t", columns=["y"]) == []
    assert against("arms_beat_baseline", table="t", columns=["x", "WAR"]) == [
        ("A, two", "x", "49.0", "above 50.0"),
        ("A, two", "WAR", "45.0", "above 45.0"),
    ]


def test_gains_within_a_range() -> None:
    found = against("gains_within", table="t", columns=["x", "y"], least=1, most=2)
    assert found == [("A, two", "x", "-1.00", "+1 to +2"), ("A, two", "y", "+4.00", "+1 to +2")]


def test_mean_gains_beside_others() -> None:
    """One gains 2 on x and 1 on y, two loses 1 on x and gains 4 on y."""
    assert against("gains_exceed", table="t", columns=["y"], than=["x"]) == [
        ("A, one", "y", "+1.00 on average", "above +2.00")
    ]


def test_cells_equal_to_the_baseline() -> None:
    assert against("equal_to_baseline", table="t", columns=["Avg"]) == [("A, two", "Avg", "1.1", "1.0")]


def test_the_best_of_a_column() -> None:
    assert against("best_of_column", table="t", columns=["WAR"], arms=["one", "two"]) == [
        ("R, reported", "WAR", "65.0", "at most 46.5")
    ]
    assert against("best_of_column", table="t", columns=["WAR"], arms=["reported"]) == []


def test_the_best_arm_of_a_method() -> None:
    assert against("best_arm_among", table="t", columns=["x", "y"], arms=["one"], methods=["A"]) == [
        ("A, two", "y", "44.0", "at most 41.0")
    ]
    assert against("best_arm_among", table="t", columns=["x", "y"], arms=["one", "two"], methods=["A"]) == []


def test_one_cell() -> None:
    assert against("cell_is", table="t", method="A", arm="one", column="x", value="52") == []
    assert against("cell_is", table="t", method="A", arm="one", column="x", value="52.1") == [
        ("A, one", "x", "52.0", "52.1")
    ]


def test_a_column_that_is_there() -> None:
    assert against("has_column", table="t", column="Avg") == []
    assert len(against("has_column", table="t", column="UAR")) == 1


def test_flat_and_peaked_columns() -> None:
    """Over all rows x spreads over 21, y over 20, Avg over 0.1."""
    assert against("flatter_columns", table="t", flat=["Avg"], peaked=["x", "y"]) == []
    assert against("flatter_columns", table="t", flat=["x"], peaked=["y"]) == [("", "x", "21.00", "below 20.00")]


def test_classes_above_an_equal_share() -> None:
    assert against("larger_than_equal_share", datasets=["set"], classes=["x"]) == []
    assert len(against("larger_than_equal_share", datasets=["set"], classes=["y"])) == 2


def test_a_recipe() -> None:
    assert against("recipe_is", method="A", setting="epochs", value=100) == [("A", "epochs", "100", "300")]


def test_a_tendency_is_only_possibly_contradicted_by_few() -> None:
    """One of four cells is against it, then two of two."""
    few = ask("arms_beat_baseline", table="t", columns=["x", "y"], tendency=True).contradicted
    many = ask("gains_within", table="t", columns=["x"], least=3, most=4, tendency=True).contradicted
    assert [one.confidence for one in few + many] == ["possible", "certain"]


def test_what_nothing_can_tell_is_kept_apart() -> None:
    claim = Claim("c", "It is so", "Fig. 9", unchecked="no numbers")
    assert check_claims([claim], CONTEXT) == ClaimResults([], [], [claim])


@pytest.mark.parametrize("text, message", [
    ('says = "x"', "no id"),
    ('id = "a"\nsays = "x"', "either a predicate"),
    ('id = "a"\nsays = "x"\npredicate = "always"', "known: arms_beat_baseline"),
    ('id = "a"\nsays = "x"\npredicate = "has_column"\ntable = "t"', "missing a required argument: 'column'"),
    ('id = "a"\nsays = 3', "no id or says nothing"),
    ("id = ", "not"),
])  # fmt: skip
def test_a_faulty_claim_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "claims.toml").write_text(f"[[claim]]\n{text}\n")
    with pytest.raises(DataError, match=rf"claims\.toml.*{message if message != 'not' else 'cannot be read'}"):
        read_claims(tmp_path / "claims.toml")


def test_a_table_that_is_not_given() -> None:
    with pytest.raises(DataError, match="table 'u' is not given; given: t"):
        ask("has_column", table="u", column="x")


def test_the_papers_claims() -> None:
    """By eye, from Tables 1-3: MAE-DFER's disgust and M3DFEL's surprise fall; M3DFEL's minor WAR and MAE-DFER's global
    UAR are below the baseline; M3DFEL's official code trains for 300 epochs."""
    sizes = {}
    for name in ("dfew", "ferv39k", "mafw"):
        manifest = load_dataset(name)
        sizes[name] = fold_sizes(name, manifest.classes, {int(k): part.test for k, part in manifest.counts.items()})
    tables = {f"table{n}": read_table(PAPER / f"table{n}.csv") for n in (1, 2, 3)}
    recipes = {}
    for model in map(load_model, ("m3dfel", "mae_dfer", "former_dfer")):
        recipe = model.recipe["full"]
        recipes[model.title] = {"epochs": recipe.epochs, "optimizer.lr": recipe.optimizer.lr,
                                "optimizer.weight_decay": recipe.optimizer.weight_decay}  # fmt: skip
    claims = [claim for claim in read_claims(PAPER / "claims.toml") if claim.arguments.get("table") != "fig4"]
    results = check_claims(claims, Context(tables, sizes, recipes))
    cells = {found.row: {(one["row"], one["column"]) for one in found.evidence["against"]}
             for found in results.contradicted}  # fmt: skip
    assert cells["minor-classes-improve"] == {("M3DFEL, au", "surprise"), ("MAE-DFER, au", "disgust")}
    assert cells["every-strategy-wins"] == {("M3DFEL, minor", "WAR"), ("MAE-DFER, global", "UAR")}
    assert cells["epochs-m3dfel"] == {("M3DFEL", "epochs")}
    assert cells["minor-classes-best-strategy"] == {("Former-DFER, global", "disgust")}
    held = {claim.id for claim in results.holds}
    assert {"all-models-all-datasets", "same-flops", "major-classes", "best-strategy-m3dfel"} <= held
    assert all(claim.unchecked for claim in results.unchecked)
