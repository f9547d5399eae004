"""The page in a real browser: it loads, sorts, filters, opens a run, turns dark, fits a phone, prints."""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from harness.manifest import load_dataset
from harness.report.figures.style import Figure
from harness.report.page.pictures import FRAMES, SIDE

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install playwright")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]
# A root user has no sandbox; the others keep the browser from asking for anything at its start.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
VERDICTS, SCORES = "#verdicts table.sortable", "#scores table"
SAID = [(0, 0)] + [(0, 1)] * 9 + [(4, 4)] * 46

# Texts whose contrast with what lies behind them is below 4.5 (WCAG 2.2, 1.4.3), colours painted to read them as sRGB.
FAINT = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const painted = (color) => {
    canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const ground = (node) => {
    for (; node; node = node.parentElement) {
      const color = painted(getComputedStyle(node).backgroundColor);
      if (color[3] === 255) return color;
    }
  };
  const luminance = (color) => color.slice(0, 3).map((value) => value / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
    .reduce((sum, value, i) => sum + value * [0.2126, 0.7152, 0.0722][i], 0);
  const shown = [...document.querySelectorAll("body *")].filter((node) => node.checkVisibility()
    && [...node.childNodes].some((child) => child.nodeType === 3 && child.textContent.trim()));
  return shown.filter((node) => {
    const pair = [luminance(painted(getComputedStyle(node).color)), luminance(ground(node))];
    return (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05) < 4.5;
  }).map((node) => node.outerHTML.slice(0, 80));
}"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as api:
        found = api.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield found
        found.close()


@pytest.fixture(scope="module")
def written() -> dict[str, str]:
    """The address of the page, once the first test has written it: no test changes the file."""
    return {}


@pytest.fixture
def address(written: dict[str, str], request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if not written:
        write_run, run_config, _, write_runs_page = map(
            request.getfixturevalue, ("write_run", "run_config", "two_models", "write_runs_page")
        )
        write_run(run_config(model="rdfer"), predicted=SAID)
        write_runs_page(tmp_path / "report")
        written["address"] = (tmp_path / "report" / "index.html").as_uri()
    return written["address"]


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page as loaded; the test fails on any error that the browser tells of."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light")
    page, told = context.new_page(), []
    page.set_default_timeout(10_000)
    page.on("console", lambda message: told.append(message.text))
    page.on("pageerror", lambda error: told.append(str(error)))
    page.on("request", lambda request: told.append(request.url) if not _own(request.url, address) else None)
    page.goto(address)
    yield page
    context.close()
    assert told == []


def _own(url: str, address: str) -> bool:
    return url.startswith((address, "data:"))


def column(page: Any, table: str, number: int) -> list[str]:
    return [text.strip() for text in page.locator(f"{table} tbody tr td:nth-child({number})").all_inner_texts()]


def test_a_column_sorts_up_and_down_and_back(page: Any) -> None:
    head = page.locator(f"{SCORES} thead th", has_text="WAR").first
    number = head.evaluate("head => head.cellIndex + 1")
    written = column(page, SCORES, number)
    for state, sign in (("ascending", 1), ("descending", -1)):
        head.get_by_role("button").click()
        assert head.get_attribute("aria-sort") == state
        assert column(page, SCORES, number) == sorted(written, key=lambda text, sign=sign: sign * float(text))
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "none"
    assert column(page, SCORES, number) == written


def test_cells_without_a_number_come_last_in_either_direction(page: Any) -> None:
    head = page.locator(f"{SCORES} thead th", has_text="ΔWAR")
    number = head.evaluate("head => head.cellIndex + 1")
    for _ in range(2):
        head.get_by_role("button").click()
        texts = column(page, SCORES, number)
        numbers = [bool(re.fullmatch(r"[+-][0-9.]+", text)) for text in texts]
        assert any(numbers)
        assert numbers == sorted(numbers, reverse=True)


def test_filters_leave_the_rows_that_match_in_every_table(page: Any) -> None:
    page.get_by_label("Arm", exact=True).select_option("au-minor")
    page.get_by_label("Selection", exact=True).select_option("last")
    for table in (VERDICTS, SCORES, "#all-runs table"):
        shown = page.locator(f"{table} tbody tr:visible")
        assert shown.count() > 0
        assert set(shown.evaluate_all("rows => rows.map(row => row.dataset.arm)")) == {"au-minor"}
    assert set(page.locator(f"{SCORES} tbody tr:visible").evaluate_all("r => r.map(x => x.dataset.rule)")) == {"last"}
    page.get_by_role("button", name="Show all").click()
    playwright.expect(page.locator("tbody tr[hidden]")).to_have_count(0)
    shown, of, every, _ = page.locator("#shown").inner_text().split()
    assert (of, shown) == ("of", every)


def test_a_run_opens_by_keyboard_and_escape_gives_the_focus_back(page: Any) -> None:
    link = page.locator(f"{VERDICTS} a.open").first
    link.focus()
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    assert dialog.get_by_role("heading", level=2).inner_text().startswith("M3DFEL, au-global")
    assert dialog.evaluate("dialog => dialog.contains(document.activeElement)")
    names = dialog.get_by_role("heading", level=3).all_inner_texts()
    assert names == [
        "Against the baseline, fold1", "Confusion", "Curves", "Clips it got wrong", "Configuration", "Environment",
        "Provenance",
    ]  # fmt: skip
    page.keyboard.press("Escape")
    assert not dialog.is_visible()
    assert link.evaluate("link => link === document.activeElement")


def test_a_click_on_any_cell_opens_its_run_and_another_can_be_chosen(page: Any) -> None:
    row = page.locator(f"{SCORES} tbody tr[data-fold_set='folds 1,2'][data-arm='au-minor'][data-rule='last']").first
    row.locator("td").nth(5).click()
    dialog = page.get_by_role("dialog")
    assert "fold 1, seed 0" in dialog.get_by_role("heading", level=2).inner_text()
    dialog.get_by_label("Run", exact=True).select_option(label="fold 2, seed 0")
    assert "fold 2, seed 0" in dialog.get_by_role("heading", level=2).inner_text()
    assert dialog.get_by_label("Run", exact=True).evaluate("select => select === document.activeElement")
    dialog.get_by_role("button", name="Baseline of this pair").click()
    assert "M3DFEL, baseline" in dialog.get_by_role("heading", level=2).inner_text()
    dialog.get_by_role("button", name="Close").click()
    assert not dialog.is_visible()


def test_the_confusion_of_a_run_is_that_of_its_predictions(page: Any) -> None:
    page.locator(f"{SCORES} tbody tr[data-model='rdfer'] a.open").first.click()
    rows = page.locator("table.confusion tbody tr").all_inner_texts()
    assert rows[0].split() == ["happy", "1", "9", "0", "0", "0", "0", "0", "10"]
    assert rows[4].split() == ["surprise", "0", "0", "0", "0", "46", "0", "0", "46"]
    assert page.locator(".tiles").inner_text().split()[:2] == ["83.93", "WAR,"]  # 47 / 56
    assert page.locator(".wrong li").count() == 3


def test_a_link_to_a_run_opens_it(page: Any, address: str) -> None:
    anchor = page.locator("#all-runs a.open").first.get_attribute("href")
    page.goto("about:blank")
    page.goto(address + anchor)
    assert anchor.removeprefix("#run-") in page.get_by_role("dialog").inner_text()


def test_the_theme_follows_the_system_until_it_is_chosen(page: Any) -> None:
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.emulate_media(color_scheme="dark")
    dark = page.evaluate(ground)
    assert dark != light
    button = page.get_by_role("button", name="Theme")
    button.click()
    assert (button.inner_text(), page.evaluate(ground)) == ("Theme: light", light)
    button.click()
    page.emulate_media(color_scheme="light")
    assert (button.inner_text(), page.evaluate(ground)) == ("Theme: dark", dark)


def test_on_a_phone_only_tables_scroll_sideways(page: Any) -> None:
    page.set_viewport_size({"width": 375, "height": 812})
    assert page.evaluate("document.documentElement.scrollWidth") == 375
    page.locator(f"{SCORES} a.open").first.click()
    dialog = page.get_by_role("dialog")
    assert dialog.evaluate("dialog => dialog.scrollWidth <= dialog.clientWidth")
    assert dialog.bounding_box()["width"] <= 375


def test_print_shows_what_is_folded_and_nothing_to_click(page: Any) -> None:
    assert not page.get_by_text("as printed").first.is_visible()
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator("#filters").is_visible()
    assert page.get_by_text("Table 1 as printed").first.is_visible()
    assert page.locator(f"{SCORES} thead th", has_text="macro-F1").inner_text().strip() == "macro-F1"
    assert page.locator("#scores .scroll").evaluate("region => region.scrollHeight <= region.clientHeight + 1")


def test_an_open_run_is_printed_alone(page: Any) -> None:
    page.locator(f"{SCORES} a.open").first.click()
    page.emulate_media(media="print")
    dialog = page.get_by_role("dialog")
    assert "selection last" in dialog.get_by_role("heading", level=2).inner_text()
    assert not dialog.get_by_label("Selection").is_visible()
    assert not page.locator("main").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground_by_4_5_to_1(page: Any, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)
    assert page.evaluate(FAINT) == []
    page.locator(f"{VERDICTS} a.open").first.click()
    assert page.evaluate(FAINT) == []


def test_without_script_the_tables_can_be_read_and_links_lead_to_the_runs(browser: Any, address: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    assert page.locator(f"{VERDICTS} tbody tr").first.is_visible()
    assert not page.locator("#filters").is_visible()
    target = page.locator(f"{SCORES} a.open").first.get_attribute("href")
    assert page.locator(f"#all-runs tr{target}").is_visible()
    context.close()


def test_names_run_no_script(
    browser: Any, write_run: Callable[..., Path], run_config: Callable[..., Any], run_environment: Callable[..., Any],
    write_runs_page: Callable[..., str], tmp_path: Path,
) -> None:  # fmt: skip
    evil = "<img src=x onerror=document.title='owned'>"
    machine = run_environment(device_name=f"</script><script>document.title='owned'</script>{evil}")
    write_run(run_config(model=evil), machine=machine)
    write_runs_page(tmp_path / "report")
    page = browser.new_page()
    page.goto((tmp_path / "report" / "index.html").as_uri())
    page.locator("a.open").first.click()
    assert evil in page.get_by_role("dialog").inner_text()
    assert page.get_by_role("dialog").locator("img").count() == 0
    assert "owned" not in page.title().replace(evil, "")
    page.close()


def test_wrong_clips_show_their_frames(
    browser: Any, write_run: Callable[..., Path], write_runs_page: Callable[..., str], rendered_root: Path,
    tmp_path: Path,
) -> None:  # fmt: skip
    write_run(predicted=SAID)
    write_runs_page(tmp_path / "report", frames={"rendered": (load_dataset("rendered"), rendered_root)})
    page = browser.new_page()
    page.goto((tmp_path / "report" / "index.html").as_uri())
    page.locator("a.open").first.click()
    pictures = page.get_by_role("dialog").locator("img")
    assert pictures.count() == 3
    for number in range(3):
        playwright.expect(pictures.nth(number)).to_have_js_property("naturalWidth", FRAMES * SIDE)
    page.close()


def test_in_the_dark_lines_change_places_with_their_paper_and_cells_do_not(
    browser: Any, write_run: Callable[..., Path], write_runs_page: Callable[..., str], tmp_path: Path
) -> None:
    write_run()
    uri = "data:image/svg+xml," + quote('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    files = tmp_path / "a.svg", tmp_path / "a.png"
    figures = [Figure(name, name, "In words", *files, uri) for name in ("curves", "confusion")]
    write_runs_page(tmp_path / "report", figures=figures)
    page = browser.new_page(color_scheme="dark", viewport={"width": 390, "height": 844})
    page.goto((tmp_path / "report" / "index.html").as_uri())
    filters = "images => images.map(image => getComputedStyle(image).filter)"
    lines, cells = page.locator("figure img").evaluate_all(filters)
    assert lines.startswith("invert(")
    assert cells.startswith("brightness(")
    page.locator("html").evaluate("root => root.dataset.theme = 'light'")
    assert page.locator("figure img").evaluate_all(filters) == ["none", "none"]
    # On a phone a figure keeps a size at which it can be read, and scrolls in its own frame.
    assert page.locator("figure img").first.evaluate("image => image.clientWidth") > 600
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()
