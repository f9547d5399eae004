"""Where an upstream is looked for."""

import pytest

from harness.upstream.manifest import UpstreamError
from harness.upstream.source import Source, find_source


@pytest.mark.parametrize("place", ["owner/toy", "owner/toy.git", "toy", "toy.git"])
def test_a_mirror_holds_it_at_one_of_four_places(toy, tmp_path, place):
    path = tmp_path / "mirror" / place
    path.parent.mkdir(parents=True)
    toy.git(tmp_path, "clone", "--quiet", "--bare", str(toy.origin), str(path))
    assert find_source(toy.manifest, tmp_path / "mirror") == Source(str(path.resolve()), True)


def test_a_link_to_a_clone_is_followed(toy, tmp_path):
    (tmp_path / "mirror" / "owner").mkdir(parents=True)
    (tmp_path / "mirror" / "owner" / "toy").symlink_to(toy.origin)
    assert find_source(toy.manifest, tmp_path / "mirror") == Source(str(toy.origin.resolve()), True)


def test_a_folder_that_is_no_repository_does_not_count(toy, tmp_path):
    (tmp_path / "owner" / "toy").mkdir(parents=True)
    toy.git(tmp_path, "clone", "--quiet", str(toy.origin), str(tmp_path / "toy"))
    assert find_source(toy.manifest, tmp_path).address == str(tmp_path / "toy")


def test_a_mirror_without_it_is_refused_and_names_the_places(toy, tmp_path):
    with pytest.raises(
        UpstreamError, match=r"toy: .*empty has no repository owner/toy, owner/toy.git, toy, toy.git; clone"
    ):
        find_source(toy.manifest, tmp_path / "empty")


def test_without_a_mirror_it_is_the_url(toy):
    away = toy.but(url="https://example.org/owner/toy").manifest
    assert find_source(away, None) == Source("https://example.org/owner/toy", False)
