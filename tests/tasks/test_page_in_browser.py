"""The page of a night as a reader sees it, in a headless browser."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome")
DESKTOP, PHONE = 1280, 390
BINARY = next(filter(None, map(shutil.which, NAMES)), None)

pytestmark = pytest.mark.skipif(BINARY is None, reason=f"no browser in PATH: looked for {', '.join(NAMES)}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One browser; nothing of the user's is read or written, and it calls nobody."""
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=BINARY,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
            timeout=120_000,
        )
        yield started
        started.close()


class Reader:
    """Someone who opens pages, and what the browser says to it."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        self.said: list[str] = []
        self.asked: list[str] = []

    def open(self, file: Path) -> Page:
        """Open a page from disk."""
        page = self.context.new_page()
        page.set_default_timeout(60_000)
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", lambda dialog: self.said.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(file.as_uri())
        return page


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def reader(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Reader]:
    """A reader at a desk or with a phone."""
    context = browser.new_context(viewport={"width": request.param, "height": 800}, color_scheme="light")
    yield Reader(context)
    context.close()


@pytest.fixture
def at_desk(browser: Browser) -> Iterator[Reader]:
    """A reader at a desk."""
    context = browser.new_context(viewport={"width": DESKTOP, "height": 800}, color_scheme="light")
    yield Reader(context)
    context.close()


def unfold(page: Page) -> None:
    """Open everything that is folded away."""
    page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")


def background(page: Page) -> str:
    """Return the colour behind the text."""
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


@pytest.mark.parametrize("which", ["night", "index"])
def test_a_page_opens_without_error_network_or_sideways_scrolling(reader: Reader, paged: Any, which: str) -> None:
    """Also with all of it unfolded: the browser has nothing to say, asks for nothing, and the page fits its width."""
    file = paged.pages[0] if which == "night" else paged.lake.root / "reports" / "index.html"
    page = reader.open(file)
    unfold(page)
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") == 0
    assert reader.said == []
    assert [url for url in reader.asked if not url.startswith("data:")] == [file.as_uri()]


def test_every_picture_has_a_size_a_text_and_opens_large(reader: Reader, paged: Any) -> None:
    """At its natural size in a dialogue, which Escape closes."""
    page = reader.open(paged.pages[0])
    unfold(page)
    page.wait_for_function("[...document.images].every((one) => one.complete)")
    found = page.evaluate("[...document.images].map((one) => [one.naturalWidth, one.alt.length])")
    assert len(found) >= 3
    assert all(width > 0 and length > 10 for width, length in found)
    page.locator(".zoom").first.press("Enter")
    assert page.locator("#large img").evaluate("(one) => one.width === one.naturalWidth")
    page.keyboard.press("Escape")
    assert not page.locator("#large").evaluate("(one) => one.open")
    assert reader.said == []


def test_what_a_picture_shows_is_told_to_who_does_not_see_it(at_desk: Reader, paged: Any) -> None:
    """A screen reader gets the sentence with the button, and in the caption: what is inside a button it leaves out."""
    page = at_desk.open(paged.pages[0])
    unfold(page)
    shown = page.evaluate("[...document.querySelectorAll('figure img')].map((one) => one.alt)")
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    buttons = [one for one in tree if one.get("name", {}).get("value", "").startswith("Enlarge: ")]
    assert sorted(one["description"]["value"] for one in buttons) == sorted(shown)
    assert len(shown) >= 3
    texts = {one["name"]["value"] for one in tree if one.get("role", {}).get("value") == "StaticText"}
    assert set(shown) <= texts


def test_a_table_is_sorted_by_keyboard(at_desk: Reader, paged: Any) -> None:
    """Enter on a heading sorts up, then down, by number; the heading says which."""
    page = at_desk.open(paged.pages[0])
    table = page.locator("#quality table").first
    place = table.locator("thead th").all_inner_texts().index("SSIM")
    heading = table.locator("thead th").nth(place)

    def column() -> list[float]:
        return [
            float(text.split()[0]) for text in table.locator(f"tbody tr > :nth-child({place + 1})").all_inner_texts()
        ]

    heading.locator("button").focus()
    page.keyboard.press("Enter")
    up = column()
    assert (heading.get_attribute("aria-sort"), up) == ("ascending", sorted(up))
    page.keyboard.press("Space")
    assert (heading.get_attribute("aria-sort"), column()) == ("descending", up[::-1])
    assert table.locator("[aria-sort]").count() == 1


def test_what_is_missing_is_sorted_last_both_ways(at_desk: Reader, paged: Any) -> None:
    """A dash, or a number that is none."""
    page = at_desk.open(paged.pages[0])
    page.evaluate(
        """() => {
            const [first] = document.querySelectorAll("#quality tbody");
            const row = first.rows[0].cloneNode(true);
            for (const cell of row.cells) { cell.dataset.key = ""; cell.textContent = "\u2013"; }
            first.prepend(row);
        }"""
    )
    table = page.locator("#quality table").first
    for _ in range(2):
        table.locator("thead button", has_text="SSIM").press("Enter")
        assert table.locator("tbody tr").last.inner_text().strip().startswith("\u2013")


def test_the_colours_follow_the_system_and_the_button(at_desk: Reader, browser: Browser, paged: Any) -> None:
    """Dark where the system is; the button turns it over, says so, and is remembered by the next page."""
    page = at_desk.open(paged.pages[0])
    light = background(page)
    button = page.locator("#theme")
    assert button.get_attribute("aria-pressed") == "false"
    button.press("Enter")
    dark = background(page)
    assert dark != light
    assert button.get_attribute("aria-pressed") == "true"
    assert background(at_desk.open(paged.pages[1])) == dark
    with browser.new_context(color_scheme="dark") as context:
        system = Reader(context).open(paged.pages[0])
        assert background(system) == dark
        system.locator("#theme").press("Enter")
        assert background(system) == light


def test_hostile_names_are_text_to_the_browser(at_desk: Reader, paged: Any) -> None:
    """No dialogue opened, no element came of them; they can be read."""
    page = at_desk.open(paged.pages[0])
    unfold(page)
    assert "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>" in page.locator("main").inner_text()
    assert page.evaluate("document.scripts.length") == 1
    assert page.evaluate("document.querySelectorAll('img[onerror], main script').length") == 0
    assert at_desk.said == []


def test_foreign_script_would_not_run(at_desk: Reader, paged: Any, tmp_path: Path) -> None:
    """Were a name to get through after all, the page's policy lets only its own script run."""
    text = paged.pages[0].read_text(encoding="utf-8")
    spoilt = tmp_path / "spoilt.html"
    spoilt.write_text(text.replace("<h1>", "<script>document.title = 'taken'</script><h1>"), encoding="utf-8")
    page = at_desk.open(spoilt)
    assert page.title() != "taken"
    assert any("Content Security Policy" in line for line in at_desk.said)


def test_the_keyboard_reaches_the_content_first(at_desk: Reader, paged: Any) -> None:
    """The first stop is a link past the contents; tables that scroll can be scrolled by keyboard, and have names."""
    page = at_desk.open(paged.pages[0])
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("location.hash") == "#main"
    regions = page.locator("[role=region]")
    named = regions.evaluate_all(
        "(all) => all.every((one) => document.getElementById(one.getAttribute('aria-labelledby')))"
    )
    assert named
    assert regions.evaluate_all("(all) => all.every((one) => one.tabIndex === 0)")


def test_on_paper_everything_is_unfolded_and_folded_again(at_desk: Reader, paged: Any) -> None:
    """Contents and buttons stay off the paper."""
    page = at_desk.open(paged.pages[0])
    n_folded = page.locator("main details:not([open])").count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("main details:not([open])").count() == 0
    page.emulate_media(media="print")
    assert not page.locator(".contents").is_visible()
    assert not page.locator("#theme").is_visible()
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("main details:not([open])").count() == n_folded > 0
