"""Runs of one upstream that start at the same moment all get their tree: checking a clone locks its index."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from harness.upstream.fetch import locked
from harness.upstream.tree import export


def test_trees_are_exported_side_by_side(toy: Any, tmp_path: Path) -> None:
    toy.fetch()

    def one(number: int) -> Path:
        with locked(toy.manifest, toy.third_party):
            return export(toy.manifest, toy.third_party, tmp_path / f"tree{number}", patched=False)

    with ThreadPoolExecutor(4) as pool:
        trees = list(pool.map(one, range(8)))
    assert len({(tree / toy.manifest.entry).read_bytes() for tree in trees}) == 1
