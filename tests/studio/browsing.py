"""A headless Chromium for the tests of Studio, and what every page must keep to."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from tests.support.processes import ROOT

PICTURES = ROOT / "build" / "studio"
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZES = {
    "wide": {"width": 1440, "height": 900},
    "medium": {"width": 820, "height": 1100},
    "narrow": {"width": 390, "height": 844},
}
SERIOUS = ("serious", "critical")
SMALLEST_PX = 12
TEXTS = """least => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), small = new Set();
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement, box = element.getBoundingClientRect();
    const scale = element.getScreenCTM?.().a ?? 1, size = parseFloat(getComputedStyle(element).fontSize) * scale;
    const shown = box.width > 0 && box.height > 0 && walker.currentNode.data.trim();
    if (shown && size > 0 && size < least - .05) small.add(`${size.toFixed(1)} px: ${walker.currentNode.data.trim()}`);
  }
  return [...small];
}"""
MOST_STOPS = 200
expect.set_options(timeout=30_000)
"""A machine that is busy takes its time; who waits for what is there already waits no longer for that."""


def find_chromium() -> str:
    """Path of the system's Chromium. Skips the test without one, unless STUDIO_BROWSER=required."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        told = "no chromium on this machine: install the system's chromium package to run Studio's tests"
        if os.environ.get("STUDIO_BROWSER") == "required":
            pytest.fail(told)
        pytest.skip(told)
    return found


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium."""
    path = find_chromium()
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=path, args=[*as_root, "--disable-dev-shm-usage"])
        try:
            yield browser
        finally:
            browser.close()


class Visit:
    """A page of one node in a context of its own; notes everything that must not happen."""

    def __init__(
        self, browser: Browser, root: str, scheme: str = "light", viewport: dict[str, int] = SIZES["wide"]
    ) -> None:
        self.root = root
        self.context: BrowserContext = browser.new_context(
            viewport=viewport, color_scheme=scheme, reduced_motion="reduce"
        )
        self.context.set_default_timeout(60_000)
        self.page: Page = self.context.new_page()
        self.trouble: list[str] = []
        self.page.on("console", self._note_console)
        self.page.on("pageerror", lambda error: self.trouble.append(f"error: {error}"))
        self.page.on("request", self._note_request)
        self.page.on(
            "dialog", lambda dialog: (self.trouble.append(f"dialog: {dialog.message}"), dialog.dismiss())
        )

    def _note_console(self, message: object) -> None:
        if message.type in ("error", "warning"):
            self.trouble.append(f"console: {message.text}")

    def _note_request(self, request: object) -> None:
        if not request.url.startswith((self.root, "blob:", "data:")):
            self.trouble.append(f"request to another host: {request.url}")

    def go(self, path: str) -> Page:
        """Open a page and wait until it has shown its data."""
        self.page.goto(self.root + path)
        self.page.locator("#view").get_by_text("Loading …").wait_for(state="detached")
        self.page.locator("#node-state", has_not_text="connecting").wait_for()
        self.page.wait_for_load_state("networkidle")
        return self.page

    def tab_to(self, target: Locator) -> None:
        """Press Tab until `target` has the focus, and shows that it has: the way of people without a mouse."""
        expect(target).to_have_count(1)
        for _ in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            if target.evaluate("each => each === document.activeElement"):
                seen = target.evaluate(
                    "each => { const s = getComputedStyle(each); return [s.outlineStyle, s.boxShadow]; }"
                )
                assert seen != ["none", "none"], f"nothing shows where the focus is: {target}"
                return
        raise AssertionError(f"no way to {target} with the Tab key")

    def press(self, target: Locator) -> None:
        """Go to a link, button or summary with the Tab key, and press Enter there."""
        self.tab_to(target)
        self.page.keyboard.press("Enter")

    def type_into(self, target: Locator, text: str) -> None:
        """Go to a field with the Tab key, and type there."""
        self.tab_to(target)
        self.page.keyboard.type(text)

    def picture(self, name: str, full: bool = True) -> Path:
        """Keep a picture of the page as it is, `full` or what of it is in the window."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        path = PICTURES / f"{name}.png"
        self.page.screenshot(path=path, full_page=full)
        return path

    def show(self, name: str) -> None:
        """Keep a picture for a person to look at, where STUDIO_PICTURES is set: each takes half a second."""
        if os.environ.get("STUDIO_PICTURES"):
            self.picture(name)

    def findings(self) -> list[str]:
        """Serious findings of axe-core."""
        found = Axe().run(self.page).response["violations"]
        return [
            f"{each['id']}: {node['target']} {node.get('failureSummary', '')}"
            for each in found
            if each["impact"] in SERIOUS
            for node in each["nodes"]
        ]

    def overflow(self) -> int:
        """How many pixels the page is wider than its window."""
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    def small_texts(self) -> list[str]:
        """Texts below 12 pixels, in a drawing as large as it is shown."""
        return list(self.page.evaluate(TEXTS, SMALLEST_PX))

    def close(self) -> None:
        """End the visit; AssertionError when something happened that must not."""
        self.context.close()
        assert not self.trouble, self.trouble
