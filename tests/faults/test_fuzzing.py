"""A small part of the fuzzing: every kind of input, changed a few times (fuzzing.py does it ten thousand times)."""

import logging
from collections.abc import Iterator
from pathlib import Path
from random import Random

import mutating
import pytest
from fuzzing import case, fuzz, made
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from target import Target
from targets import TARGETS

from harness.errors import DataError, HarnessError

CASES = 120
TEXTS = ("datasets", "lists dfew", "lists affwild2", "openface", "libreface", "released list", "tables")


@pytest.fixture(autouse=True)
def _loud() -> Iterator[None]:
    """fuzz() silences the log."""
    yield
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def targets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Target, Path]]:
    return {target.name: (target, place) for target, place in made(tmp_path_factory.mktemp("targets"))}


def test_every_target_has_a_name_of_its_own(targets: dict[str, tuple[Target, Path]]) -> None:
    assert len(targets) == len(TARGETS)
    assert set(TEXTS) <= set(targets)


def test_bad_input_is_accepted_or_refused_in_one_line(targets: dict[str, tuple[Target, Path]]) -> None:
    counts, bugs = fuzz(CASES, 0, list(targets.values()))
    assert not bugs, "\n\n".join(bugs.values())
    assert sum(count["refused"] for count in counts.values()) > CASES / 2


@settings(max_examples=30, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(TEXTS), draw=st.randoms(use_true_random=False))
def test_bad_text_is_too_and_is_made_smaller_if_not(
    targets: dict[str, tuple[Target, Path]], name: str, draw: Random
) -> None:
    outcome, file, changed = case(*targets[name], draw)
    assert outcome.verdict in ("accepted", "refused"), f"{file}: {outcome.why}: {changed!r}"


@settings(max_examples=15, deadline=None, derandomize=True)
@given(draw=st.randoms(use_true_random=False), text=st.text(max_size=40), data=st.binary(max_size=40))
def test_an_error_is_one_line_that_can_be_printed(draw: Random, text: str, data: bytes) -> None:
    changed = mutating.some_bytes(data, draw).decode("utf-8", "surrogateescape")
    said = str(HarnessError(f"{text}: {changed}"))
    assert len(said.splitlines()) <= 1
    assert said.isprintable()
    said.encode("utf-8")


def wrong(folder: Path, read: object) -> str:
    """The verdict on a reader."""
    (folder / "a.txt").write_text("1")
    target = Target("made up", ("a.txt",), read)  # type: ignore[arg-type]
    return case(target, folder, Random(0))[0].why


def test_the_judge_finds_what_is_wrong(tmp_path: Path) -> None:
    def traceback(_: Path) -> None:
        raise KeyError("a")

    def nameless(_: Path) -> None:
        raise DataError("something is wrong; mend it")

    def helpless(folder: Path) -> None:
        raise DataError(f"{folder}/a.txt")

    def half(folder: Path) -> None:
        (folder / "half").write_text("written")
        raise DataError(f"{folder}/a.txt: wrong; mend it")

    assert wrong(tmp_path, traceback).startswith("KeyError")
    assert wrong(tmp_path, nameless).startswith("does not name the file")
    assert wrong(tmp_path, helpless).startswith("says no remedy")
    assert "and changed: half" in wrong(tmp_path, half)
    assert not (tmp_path / "half").exists()
