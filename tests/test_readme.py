"""The README: its snippet runs, its commands exist, its links lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_snippet_runs_and_trains() -> None:
    (snippet,) = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)
    namespace: dict[str, object] = {}
    exec(snippet, namespace)
    loss, head = namespace["loss"], namespace["head"]
    assert 0 < float(loss.detach()) < 10  # type: ignore[attr-defined]
    assert head.linear.weight.grad.abs().sum() > 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("target", re.findall(r"\]\((?!http)([^)#]+)\)", README))
def test_relative_links_lead_to_files(target: str) -> None:
    assert (ROOT / target).exists()


def test_every_command_of_the_readme_exists() -> None:
    from harness.cli import app, au_app, data_app, runs_app, upstream_app

    known = {command.name or command.callback.__name__ for command in app.registered_commands}  # type: ignore[union-attr]
    known |= {f"data {command.name}" for command in data_app.registered_commands}
    known |= {f"au {command.name}" for command in au_app.registered_commands}
    known |= {f"runs {command.name}" for command in runs_app.registered_commands}
    known |= {f"upstream {command.name}" for command in upstream_app.registered_commands}
    named = set(re.findall(r"^    audfer ((?:data |au |runs |upstream )?[a-z-]+)", README, flags=re.MULTILINE))
    assert len(named) > 8
    assert named <= known


def test_every_tox_environment_of_the_readme_exists() -> None:
    environments = set(re.findall(r"\[testenv:([a-z0-9-]+)\]", (ROOT / "tox.ini").read_text(encoding="utf-8")))
    assert set(re.findall(r"tox -e ([a-z0-9-]+)", README)) <= environments
