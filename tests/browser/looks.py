"""How a page looks to those who measure it: accessibility, weight, and what jumps about."""

from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page

THEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
MOST_BYTES = 100_000
MOST_SHIFT = 0.001

_NOTE_SHIFTS = """
window.layoutShifts = [];
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (entry.hadRecentInput) continue;
    const moved = entry.sources.map((source) => source.node?.outerHTML?.slice(0, 120));
    window.layoutShifts.push({value: entry.value, moved});
  }
}).observe({type: "layout-shift", buffered: true});
"""


def note_layout_shifts(context: BrowserContext) -> None:
    """On all pages that are opened from now on."""
    context.add_init_script(_NOTE_SHIFTS)


def assert_nothing_jumped(page: Page) -> None:
    """Nothing moved on its own since the page was loaded; what the person did is left out."""
    shifts = page.evaluate("window.layoutShifts")
    assert sum(shift["value"] for shift in shifts) < MOST_SHIFT, shifts


def assert_fits(page: Page) -> None:
    """Nothing sticks out to the right of the screen."""
    wide = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert wide <= 0, f"{page.url} is {wide} px too wide"


def assert_accessible(page: Page) -> None:
    """No violation of axe in either theme."""
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        found = Axe().run(page)
        wrong = {
            each["id"]: [node["target"] for node in each["nodes"]]
            for each in found.response["violations"]
        }
        assert wrong == {}, f"{page.url}, {theme}"
    page.emulate_media(color_scheme="null")


def assert_light_weight(page: Page) -> None:
    """All that the first view of a page takes in an empty browser, as it was sent."""
    sent: list[float] = []
    network = page.context.new_cdp_session(page)
    network.on("Network.loadingFinished", lambda event: sent.append(event["encodedDataLength"]))
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})
    page.reload()
    network.detach()
    assert 10_000 < sum(sent) < MOST_BYTES, f"{page.url}: {sent}"
