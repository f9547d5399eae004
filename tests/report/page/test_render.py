"""The page as a file: what it holds, that it needs nothing else, that no name becomes markup."""

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from harness.analysis.audit.finding import Finding
from harness.errors import RunError
from harness.report.figures.style import Figure
from harness.report.page.render import inline

pytestmark = pytest.mark.usefixtures("two_models")
EVIL = "</script><script>document.title='owned'</script>"
VOID = {"meta", "img", "path", "circle", "br"}


class Page(HTMLParser):
    """Start tags in order, with the text of the elements that a test asks for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.open: list[int] = []
        self.texts: Counter[int] = Counter()
        self.content: dict[int, str] = {}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(len(self.tags) - 1)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.tags[self.open[-1]][0] == tag, f"</{tag}> closes <{self.tags[self.open[-1]][0]}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        for at in self.open:
            self.content[at] = self.content.get(at, "") + data

    def all(self, *names: str) -> list[tuple[dict[str, str], str]]:
        """Attributes and text of the elements of these names, in order."""
        return [(attrs, self.content.get(i, "")) for i, (tag, attrs) in enumerate(self.tags) if tag in names]


@pytest.fixture
def page(write_runs_page: Callable[..., str]) -> Page:
    return Page(write_runs_page())


def test_ids_are_unique_and_all_that_is_pointed_to_is_there(page: Page) -> None:
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert [name for name, times in Counter(ids).items() if times > 1] == []
    made_by_the_script = {"run-title"}
    labels = {attrs["aria-labelledby"] for _, attrs in page.tags if "aria-labelledby" in attrs}
    links = {attrs["href"].removeprefix("#") for attrs, _ in page.all("a")}
    assert (labels | links) - set(ids) <= made_by_the_script
    assert len(links) > 10


def test_headings_go_down_one_level_at_a_time(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(below - above <= 1 for above, below in pairwise(levels))


def test_every_table_has_a_caption_and_every_head_a_scope(page: Page) -> None:
    tags = [tag for tag, _ in page.tags]
    assert all(tags[i + 1] == "caption" for i, tag in enumerate(tags) if tag == "table")
    assert all(text.strip() for _, text in page.all("caption"))
    assert {attrs.get("scope") for attrs, _ in page.all("th")} == {"row", "col"}


def test_the_page_has_landmarks_and_a_language(page: Page) -> None:
    tags = Counter(tag for tag, _ in page.tags)
    assert [tags[name] for name in ("main", "nav", "header", "dialog", "title")] == [1, 1, 1, 1, 1]
    assert page.all("html")[0][0]["lang"] == "en"


def test_the_page_needs_no_other_file(page: Page, write_runs_page: Callable[..., str]) -> None:
    for _, attrs in page.tags:
        for name in ("src", "href", "srcset", "action", "data", "poster"):
            assert attrs.get(name, "#").startswith(("#", "data:")), attrs
    assert not [tag for tag, _ in page.tags if tag in ("link", "iframe", "object", "embed", "base")]
    ((_, style),) = page.all("style")
    assert "url(" not in style
    assert "@import" not in style


def test_the_policy_lets_exactly_the_page_s_own_script_run(page: Page) -> None:
    (script,) = [text for attrs, text in page.all("script") if attrs.get("type") is None]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = [attrs["content"] for attrs, _ in page.all("meta") if "http-equiv" in attrs]
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy


def test_no_name_becomes_markup(
    write_run: Callable[..., Path],
    run_config: Callable[..., Any],
    run_data: Callable[..., Any],
    run_environment: Callable[..., Any],
    write_runs_page: Callable[..., str],
) -> None:
    named = {"experiment": "<img src=x onerror=alert(1)>", "model": "<img src=x onerror=alert(2)>"}
    dataset = run_data(title=EVIL, published=True)
    write_run(run_config(dataset=dataset, **named), machine=run_environment(device_name=EVIL))
    write_run(run_config(dataset=dataset, arm="au-minor", **named), machine=run_environment(device_name=EVIL))
    finding = Finding("flops", EVIL, "<b>", "<i onclick=alert(3)>", EVIL)
    page = Page(write_runs_page(command=EVIL, unfinished=[EVIL], findings=[finding]))
    assert len(page.all("script")) == 2
    assert page.all("img", "b", "i") == []
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert any(EVIL in text for _, text in page.all("code"))
    data = json.loads(page.all("script")[0][1])
    assert named["model"] in {run["model"] for run in data["runs"]}


def test_the_same_runs_give_the_same_bytes(write_runs_page: Callable[..., str], tmp_path: Path) -> None:
    assert write_runs_page(tmp_path / "one") == write_runs_page(tmp_path / "two")


def test_verdicts_come_first_and_name_what_no_pair_supports(page: Page) -> None:
    headings = [text.strip() for _, text in page.all("h2")]
    assert headings[:3] == ["Verdicts", "What was run, and on what", "Scores"]
    rows = [text for attrs, text in page.all("tr") if attrs.get("data-model") == "MAE-DFER"]
    assert any("no whole pair" in row for row in rows)
    assert any("device (fold 1, seed 0)" in text for _, text in page.all("li"))


def test_every_row_of_numbers_leads_to_its_runs(page: Page) -> None:
    data = json.loads(page.all("script")[0][1])
    (two_folds,) = [
        attrs
        for attrs, text in page.all("a")
        if attrs.get("data-rule") == "last" and text == "M3DFEL, au-minor: open 2 runs"
    ][:1]
    runs = [data["runs"][int(i)] for i in two_folds["data-runs"].split()]
    assert [(run["model"], run["arm"], run["fold"]) for run in runs] == [
        ("M3DFEL", "au-minor", 1),
        ("M3DFEL", "au-minor", 2),
    ]


def test_without_verdicts_the_page_says_so(write_runs_page: Callable[..., str]) -> None:
    text = write_runs_page(verdicts=False)
    assert "No verdict was worked out" in text
    assert "Broken pairs, left out of every difference" in text


def figure(name: str, title: str, alt: str) -> Figure:
    return Figure(name, title, alt, Path("a.svg"), Path("a.png"), "data:image/png;base64,AA==")


def test_figures_go_in_as_pictures_with_words(write_runs_page: Callable[..., str]) -> None:
    page = Page(write_runs_page(figures=[figure("a", "Fig. 5", "A curve <falls>")]))
    ((picture, _),) = page.all("img")
    assert (picture["src"], picture["class"]) == ("data:image/png;base64,AA==", "lines")
    assert picture["alt"] == "Fig. 5; in words below"
    assert [text for _, text in page.all("figcaption")] == ["A curve <falls>"]


def test_figures_that_were_too_many_are_named(write_runs_page: Callable[..., str]) -> None:
    drawn = [figure("confusion-b", "Fig. 6", "Cells")]
    text = write_runs_page(figures=drawn, not_drawn=["confusion-a", "tsne-<a>"])
    assert 'class="cells"' in text
    assert "<li><code>tsne-&lt;a&gt;</code></li>" in text
    assert "2 in all" in text
    assert "Not drawn" not in write_runs_page(figures=drawn)


def test_an_out_that_is_a_file_is_an_error_of_one_line(write_runs_page: Callable[..., str], tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(RunError, match=r"taken: page cannot be written \(File exists\)"):
        write_runs_page(tmp_path / "taken")


def test_the_tables_few_marks_become_elements_and_nothing_else_does() -> None:
    assert inline("a `b<c`, *oracle* 45.1<sup>1,2</sup> <b>") == (
        "a <code>b&lt;c</code>, <em>oracle</em> 45.1<sup>1,2</sup> &lt;b&gt;"
    )
    assert inline("2 * 3 * 4") == "2 * 3 * 4"
