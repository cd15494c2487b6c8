"""The pages in a browser: light and dark, with the keyboard, without a network."""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ..lm.models import trained_lm
from ..seq2seq.models import trained_text2text
from .test_inside import TEXT, call

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATH = next(filter(None, map(shutil.which, BROWSERS)), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PATH is None, reason=f"none of {', '.join(BROWSERS)} is on the PATH"),
]
PAGES = ["report", "explain", "lm", "attention", "gates", "gradients"]
WITHOUT_PICTURES = ["explain", "lm", "attention"]
# The contrast of text and background by WCAG 2: above 1 if the text is lighter
CONTRAST = """() => {
  const channels = (name) => getComputedStyle(document.body)[name].match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const [text, ground] = [light(channels("color")), light(channels("backgroundColor"))];
  return (text + 0.05) / (ground + 0.05);
}"""


# The least contrast of text and background among the cells of the heat map and the marked
# entities, with the backgrounds of cells laid over that of the page
HEAT_CONTRAST = """() => {
  const channels = (element, name) =>
    getComputedStyle(element)[name].match(/[0-9.]+/g).map(Number);
  const light = (rgb) => rgb.map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const page = channels(document.body, "backgroundColor");
  const contrast = (element) => {
    const [r, g, b, alpha = 1] = channels(element, "backgroundColor");
    const ground = light([r, g, b].map((c, i) => alpha * c + (1 - alpha) * page[i]));
    const text = light(channels(element, "color").slice(0, 3));
    return (Math.max(text, ground) + 0.05) / (Math.min(text, ground) + 0.05);
  };
  const shown = [...document.querySelectorAll(".heat td, .heat th, .entities mark")];
  return Math.min(...shown.map(contrast));
}"""


@dataclass
class Opened:
    """A page in the browser, and what happened while it was opened."""

    view: Any
    problems: list[str]
    requests: list[str]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        # Without a sandbox, which containers have no rights for; the pages are our own.
        chromium = started.chromium.launch(executable_path=PATH, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def pages(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of all pages, each with its data beside it."""
    folder = tmp_path_factory.mktemp("pages")
    lm, writer = (tmp_path_factory.mktemp(name) for name in ("lm", "text2text"))
    trained_lm().to_disk(lm)
    trained_text2text().to_disk(writer)
    commands = {
        "report": ["report", trained.parent, "--output"],
        "explain": ["explain", trained, TEXT, "--html"],
        "lm": ["explain", lm, "The <b>cat</b> sat on the dog.", "--html"],
        "attention": ["explain", writer, "<b>cafe & deaf</b>", "--html"],
        "gates": ["gates", trained, TEXT, "--html"],
        "gradients": ["gradients", trained, TEXT, "--html"],
    }
    for name, arguments in commands.items():
        files = [folder / f"{name}.html", "--json", folder / f"{name}.json"]
        result = call(*arguments, *files)
        assert result.exit_code == 0, result.output
    return folder


@pytest.fixture(params=["light", "dark"])
def opened(
    request: pytest.FixtureRequest, browser: Any, pages: Path, name: str
) -> Iterator[Opened]:
    context = browser.new_context(color_scheme=request.param)
    view = context.new_page()
    found = Opened(view, [], [])
    view.on("console", lambda message: found.problems.append(message.text))
    view.on("pageerror", lambda error: found.problems.append(str(error)))
    view.on("request", lambda sent: found.requests.append(sent.url))
    view.goto((pages / f"{name}.html").as_uri())
    contrast = view.evaluate(CONTRAST)
    assert contrast > 7 if request.param == "dark" else contrast < 1 / 7
    yield found
    context.close()


def data(pages: Path, name: str) -> Any:
    return json.loads((pages / f"{name}.json").read_text(encoding="utf8"))


def cells(view: Any, caption: str) -> list[list[str]]:
    """The rows of the table with a caption, without its header."""
    rows = view.locator("table", has=view.locator("caption", has_text=caption)).first
    return [
        [cell.text_content() for cell in row.locator("th, td").all()]
        for row in rows.locator("tbody tr").all()
    ]


def check_numbers(view: Any, name: str, found: Any) -> None:
    """Some numbers of a page are those of its data."""
    if name == "report":
        total = found["entities"]["total"]
        assert view.locator(".cards strong").first.text_content() == f"{total['f1']['value']:.3f}"
        (all_labels, *_) = cells(view, "Scores with 95 % intervals")
        assert all_labels[0] == "all"
        assert all_labels[-1] == str(total["annotated"])
        place = 2 + len(found["curves"]["losses"])
        scores = [float(row[place]) for row in cells(view, "Evaluations")]
        assert scores == pytest.approx(found["curves"]["score"], abs=1e-4)
    if name == "explain":
        entities = found[0]["entities"]
        assert [row[2] for row in cells(view, "Entities")] == [
            f"{entity['score']:.4f}" for entity in entities
        ]
        assert view.locator(".entities mark").count() == len(entities)
        labels, marginals = found[0]["labels"], found[0]["marginals"]
        rows = [row for row in cells(view, "Probability of each label") if row[0] in labels]
        assert rows
        for label, *shares in rows:
            tag = 1 + 4 * labels.index(label)
            expected = [sum(row[tag : tag + 4]) for row in marginals]
            assert [float(share or 0) for share in shares] == pytest.approx(expected, abs=0.0051)
    if name == "lm":
        places = found[0]["predictions"]
        bits, ranks, *_ = cells(view, "Most probable words, the true one framed")
        assert bits[1:] == [f"{place['surprisal']:.2f}" for place in places]
        assert ranks[1:] == [str(place["rank"]) for place in places]
        assert view.locator(".entities mark").count() == len(places) - 1
        framed = [each["unit"] for place in places for each in place["best"] if each["is_true"]]
        assert sorted(view.locator(".heat .true .cut").all_text_contents()) == sorted(framed)
    if name == "attention":
        alignment = found[0]["alignment"]
        rows = cells(view, "Attention in %")
        assert [row[0] for row in rows] == alignment["units"]
        for row, weights in zip(rows, alignment["weights"], strict=True):
            percent = [float(share or 0) for share in row[1:]]
            assert percent == pytest.approx([100 * each for each in weights], abs=0.51)
    if name == "gates":
        view_data = found["views"][0]
        means = [sum(units) / len(units) for units in view_data["gates"]["update"]]
        shown = [float(row[2]) for row in cells(view, view_data["title"])]
        assert shown == pytest.approx(means, abs=1e-3)
    if name == "gradients":
        norms = [curve["norms"][1] for curve in found["curves"]]
        rows = cells(view, "Norm of the derivative")
        assert [float(row[2]) for row in rows] == pytest.approx(norms, rel=1e-2)


@pytest.mark.parametrize("name", PAGES)
def test_page_shows_its_data_without_errors_or_network(
    opened: Opened, pages: Path, name: str
) -> None:
    check_numbers(opened.view, name, data(pages, name))
    assert opened.view.locator("h1").count() == 1
    regions = opened.view.locator(".scroll[tabindex='0'][aria-label]")
    assert regions.count() == opened.view.locator("table").count() > 0
    pictures = opened.view.locator("svg[role=img]")
    assert all(len(each.get_attribute("aria-label")) > 40 for each in pictures.all())
    assert (pictures.count() > 0) == (name not in WITHOUT_PICTURES)
    opened.view.wait_for_load_state("networkidle")
    assert opened.problems == []
    outside = [url for url in opened.requests if not url.startswith("data:")]
    assert outside == [(pages / f"{name}.html").as_uri()]


@pytest.mark.parametrize("name", PAGES)
def test_keyboard_reaches_everything(opened: Opened, name: str) -> None:
    view = opened.view
    view.keyboard.press("Tab")
    assert view.evaluate("() => document.activeElement.className") == "skip"
    box = view.locator(".skip").bounding_box()
    assert box["x"] >= 0  # it is visible while it has the focus
    view.keyboard.press("Enter")
    assert view.evaluate("() => document.activeElement.id") == "main"
    wanted = "a[href], summary, [tabindex='0']"
    visible = "(each) => each.checkVisibility() && each.className !== 'skip'"
    expected = view.evaluate(
        f'() => [...document.querySelectorAll("{wanted}")].filter({visible}).length'
    )
    assert expected > 0
    reached = 0
    while True:
        view.keyboard.press("Tab")
        if view.evaluate("() => document.activeElement === document.body"):
            break
        assert view.evaluate(f'() => document.activeElement.matches("{wanted}")')
        reached += 1
        assert reached <= expected
    assert reached == expected


@pytest.mark.parametrize("name", ["report"])
def test_links_and_details_work_with_the_keyboard(opened: Opened, name: str) -> None:
    view = opened.view
    link = view.locator("nav a").last
    link.focus()
    view.keyboard.press("Enter")
    target = link.get_attribute("href")
    assert view.url.endswith(target)
    assert view.evaluate("(id) => document.querySelector(id).tagName", target) == "SECTION"
    summary = view.locator(f"{target} summary", has_text="Config")
    summary.focus()
    view.keyboard.press("Enter")
    assert view.locator("pre").is_visible()
    assert "spacy-seqrnn.NER.v1" in view.locator("pre").text_content()


@pytest.mark.parametrize("name", ["explain", "lm", "attention"])
def test_heat_map_is_readable(opened: Opened, name: str) -> None:
    assert opened.view.locator(".heat td[style]").count() > 0
    assert opened.view.evaluate(HEAT_CONTRAST) > 4.5


@pytest.mark.parametrize("name", ["explain", "lm"])
def test_narrow_screens_scroll_the_heat_map_only(opened: Opened, name: str) -> None:
    view = opened.view
    view.set_viewport_size({"width": 320, "height": 600})
    assert view.evaluate("() => document.documentElement.scrollWidth") <= 320
    region = view.locator(".scroll", has=view.locator(".heat"))
    head = region.locator("tbody th").first
    before = head.bounding_box()["x"]
    region.focus()
    for _ in range(5):
        view.keyboard.press("ArrowRight")
    scrolled = "() => document.querySelector('.heat').parentElement.scrollLeft > 40"
    view.wait_for_function(scrolled)
    assert head.bounding_box()["x"] == pytest.approx(before, abs=1)  # tags stay visible
    marked = view.locator(".entities").bounding_box()
    assert marked["x"] + marked["width"] <= 320
