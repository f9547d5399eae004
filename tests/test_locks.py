"""The lock files hold what pyproject.toml asks for, with hashes, and name no registry."""

import re
import tomllib
from configparser import ConfigParser
from importlib.metadata import requires
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]
DIRECT = PROJECT["project"]["dependencies"]
BY_VERSION = {"torch", "torchvision"}
CUDA = re.compile(r"nvidia-|cuda-|triton")  # what only a CUDA build of torch asks for
ENTRY = re.compile(
    r"^(?P<requirement>[a-z0-9][^\\#\n]*?)\s*(?P<hashes>(?:\\\n\s+--hash=sha256:[0-9a-f]{64}\s*)*)$", re.M
)
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = {"linux": "Linux", "darwin": "Darwin", "win32": "Windows"}
WANTED = {
    "run": DIRECT,
    "dev": [*DIRECT, *EXTRAS["test"], *EXTRAS["lint"]],
    "build": PROJECT["build-system"]["requires"],
}


def entries(name: str) -> list[tuple[Requirement, int]]:
    """Each pinned requirement of a lock file with its number of hashes."""
    text = (ROOT / "locks" / f"{name}.txt").read_text()
    found = [(Requirement(one["requirement"]), one["hashes"].count("--hash")) for one in ENTRY.finditer(text)]
    assert len(found) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE))
    return found


def on(python: str, platform: str) -> dict[str, str]:
    machine = {"platform_machine": "x86_64", "sys_platform": platform, "platform_system": PLATFORMS[platform]}
    return {**default_environment(), "python_version": python, "python_full_version": f"{python}.0", **machine}


def versions(name: str, where: dict[str, str]) -> dict[str, str]:
    here = [one for one, _ in entries(name) if one.marker is None or one.marker.evaluate(where)]
    pinned = {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in here}
    assert len(pinned) == len(here), "a package is pinned twice for one machine"
    return pinned


@pytest.mark.parametrize("name", WANTED)
def test_every_entry_is_one_version_with_hashes(name):
    for requirement, hashes in entries(name):
        assert re.fullmatch(r"==[^*]+", str(requirement.specifier)), requirement
        assert hashes, requirement


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("name", WANTED)
def test_every_range_of_pyproject_is_met(name, python, platform):
    where = on(python, platform)
    pinned = versions(name, where) | versions("torch", where)
    for requirement in map(Requirement, WANTED[name]):
        if requirement.marker is None or requirement.marker.evaluate(where):
            assert requirement.specifier.contains(pinned[canonicalize_name(requirement.name)]), requirement


@pytest.mark.parametrize("name", ["run", "dev"])
def test_what_the_locked_packages_ask_for_is_locked_too(name):
    """By the metadata of what is installed here, as far as it is installed."""
    where = on("3.11", "linux")
    pinned = versions(name, where) | versions("torch", where)
    checked = 0
    for package in pinned:
        try:
            asked = [Requirement(line) for line in requires(package) or []]
        except ModuleNotFoundError:
            continue
        for one in asked:
            if (one.marker is None or one.marker.evaluate({**where, "extra": ""})) and not CUDA.match(one.name):
                assert canonicalize_name(one.name) in pinned, f"{package} asks for {one}"
                checked += 1
    assert checked > 50


def test_torch_is_pinned_by_version_alone():
    assert {(one.name, hashes) for one, hashes in entries("torch")} == {(name, 0) for name in BY_VERSION}
    locked = {one.name for name in WANTED for one, _ in entries(name)}
    assert [name for name in locked if CUDA.match(name) or name in BY_VERSION] == []


def test_the_two_locks_agree():
    assert {str(one) for one, _ in entries("run")} < {str(one) for one, _ in entries("dev")}


def test_no_file_names_a_registry():
    for path in sorted((ROOT / "locks").iterdir()):
        assert not re.search(r"https?://|file:|index-url|find-links", path.read_text()), path


def test_every_environment_of_tox_installs_from_a_lock():
    tox = ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    assert tox["testenv"]["deps"].split() == ["--no-deps", "-r", "locks/run.txt"]
    assert tox["testenv:py"]["deps"].split() == ["--no-deps", "-r", "locks/dev.txt"]
    assert tox["testenv"]["constraints"] == "locks/torch.txt"
    assert tox["testenv:.pkg"]["constraints"] == "locks/build.txt"
    other = {name for name in tox.sections() if "deps" in tox[name]} - {"testenv", "testenv:py"}
    assert other == {"testenv:lint", "testenv:lock"}
    assert tox["testenv:lint"]["deps"] == "{[testenv:py]deps}"
