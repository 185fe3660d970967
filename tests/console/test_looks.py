"""Every page in Chromium: axe finds nothing, light and dark, and all fit 320 pixels.

The keyboard reaches everything, and it is seen where it is.

`SCREENSHOTS=DIR` keeps a picture of each page, light and dark, wide and narrow.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import pytest
from jinja2 import Template
from playwright import sync_api as playwright

from tests.components import CHROMIUM, needs_chromium
from tests.console.browser import Page, Site
from tests.console.looks import LOOKS, World, templates
from tests.console.outside import Outside, open_to_outsiders
from tests.console.test_chromium import FLAGS, axe

pytestmark = needs_chromium("how the pages look was")
WIDTHS = {"wide": (1440, 900), "zoomed": (720, 450), "narrow": (320, 640)}
JUDGED = {
    ("light", "wide"),
    ("dark", "zoomed"),
}  # theme and zoom have nothing to do with each other
SEEN = ("wide", "narrow")  # of these there are pictures


class Tab(NamedTuple):
    """A tab of Chromium, axe, and what the tab complained of."""

    page: Any
    axe: str
    complaints: list[str]


@dataclass
class Reached:
    """A page, and what the browser asks for with it."""

    page: Page
    files: dict[str, Page]


def _files(site: Site, page: Page) -> dict[str, Page]:
    """The style sheets and scripts of a page."""
    paths = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    return {path: site.browser().get(path) for path in paths}


@pytest.fixture(scope="module")
def reached(tmp_path_factory: pytest.TempPathFactory, pages: Site) -> dict[str, Reached]:
    """Every page of the table, made before Chromium starts, with the template that made it."""
    made: list[str] = []
    render = Template.render

    def seen(template: Template, *values: Any, **more: Any) -> str:
        made.append(str(template.name))
        return render(template, *values, **more)

    found = {}
    with open_to_outsiders(), patch.object(Template, "render", seen):
        world = World(pages, Outside(pages))
        for look in LOOKS:
            made.clear()
            page = look.reach(world)
            assert made[-1:] == [look.template], f"{look.name} is {made[-1:]}: {page.text[:500]}"
            found[look.name] = Reached(page, _files(pages, page))
    return found


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory, reached: dict[str, Reached]) -> Iterator["Tab"]:
    """A tab of Chromium, which starts after the pages are there."""
    source = axe(tmp_path_factory.mktemp("axe"))
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page, complaints = browser.new_context(reduced_motion="reduce").new_page(), list[str]()
        page.on("console", lambda said: complaints.append(said.text))
        yield Tab(page, source, complaints)
        browser.close()


def test_every_template_is_looked_at() -> None:
    """A page that is new needs a line in `tests/console/looks.py`."""
    assert templates() == {look.template for look in LOOKS}
    assert len({look.name for look in LOOKS}) == len(LOOKS)


@pytest.mark.parametrize("name", [look.name for look in LOOKS])
def test_a_page(name: str, tab: Tab, reached: dict[str, Reached]) -> None:
    """It is accessible, fits, loads nothing from elsewhere, and breaks none of its own rules."""
    page, source, complaints = tab
    complaints.clear()
    page.unroute_all()
    page.route("**/*", lambda route: _fulfil(route, reached[name], complaints))
    page.set_viewport_size(dict(zip(("width", "height"), WIDTHS["wide"], strict=True)))
    page.goto(f"http://localhost:8421/look/{name}")
    page.evaluate(source)
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        for place, (width, height) in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), place
            if (theme, place) in JUDGED:
                found = page.evaluate("axe.run()")["violations"]
                assert not found, f"{name} {theme} {place}: {json.dumps(found)[:2000]}"
            folder = os.environ.get("SCREENSHOTS")
            if folder and place in SEEN:
                page.screenshot(path=Path(folder) / f"{name}-{theme}-{place}.png", full_page=True)
    assert not _lost_by_keyboard(page)
    refused = "Failed to load resource: the server responded with a status of 4"
    assert not [each for each in complaints if not each.startswith(refused)]


FOCUSED = """() => {
    const at = document.activeElement, style = getComputedStyle(at)
    if (at === document.body) return true
    at.dataset.reached = "yes"
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2
}"""
LOST = """() => [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
    .filter(each => each.checkVisibility() && !each.disabled && each.type !== "radio")
    .filter(each => !each.dataset.reached).map(each => each.outerHTML)"""


def _lost_by_keyboard(page: Any) -> list[str]:
    """What the Tab key does not reach. What it reaches is seen to have the focus."""
    for _ in range(page.locator("a, button, input, select, textarea, summary").count() + 3):
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED), page.evaluate("document.activeElement.outerHTML")
    lost: list[str] = page.evaluate(LOST)
    return lost


_NOT_SHOWN = {"set-cookie", "refresh"}  # the second leads away


def _fulfil(route: Any, reached: Reached, complaints: list[str]) -> None:
    path = "/" + route.request.url.partition("://")[2].partition("/")[2]
    page = reached.files.get(path) or (reached.page if path.startswith("/look/") else None)
    if page is None:
        complaints.append(f"asks for {route.request.url}")
        route.abort()
        return
    headers = {name: value for name, value in page.headers if name not in _NOT_SHOWN}
    route.fulfill(status=page.status, headers=headers, body=page.body)
