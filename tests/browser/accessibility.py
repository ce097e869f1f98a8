"""What every page has to be, whoever uses it."""

from __future__ import annotations

from collections.abc import Sequence

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

RULES = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]
PHONE_AND_DESK = (360, 1440)
"""The layouts that differ; axe looks at these, for it takes seconds with many charts."""


def check(page: Page, widths: Sequence[int] = PHONE_AND_DESK) -> None:
    """Nothing wider than the screen at each width, nothing for axe to find on a phone and on a desk."""
    for width in widths:
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{page.url} is wider than {width} px"
        if width not in PHONE_AND_DESK:
            continue
        found = Axe().run(page, options={"runOnly": RULES, "resultTypes": ["violations"]})
        assert found.violations_count == 0, found.generate_report()
