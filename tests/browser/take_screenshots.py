"""Takes the pictures of the README and the guide from the running demo: ``make screenshots``.

Run it with the demo up: ``.venv/bin/python tests/browser/take_screenshots.py http://127.0.0.1:8000 docs/images``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

PASSWORD = "follow-up-demo"  # the demo prints it at its start
DESKTOP = {"width": 1280, "height": 900}
CHROMIUM = {"executable_path": "/usr/bin/chromium", "args": ["--no-sandbox", "--disable-background-networking"]}


@dataclass(frozen=True)
class Shot:
    """One picture: who looks at which page, at which size."""

    name: str
    user: str
    path: str
    size: dict[str, int]
    open_first: str = ""
    keys: tuple[str, ...] = ()
    search: str = ""


SHOTS = (
    Shot("today", "nurse", "/today", DESKTOP),
    Shot("call", "nurse", "/today", DESKTOP, open_first="main a[href*='/calls/']", keys=("1", "2", "Enter", "0", "1")),
    Shot("alerts", "nurse", "/alerts", DESKTOP),
    Shot("patient", "nurse", "/today", DESKTOP, search="a"),
    Shot("appointments", "nurse", "/visits", DESKTOP),
    Shot("workload", "head", "/workload", DESKTOP),
    Shot("plan", "manager", "/plans", DESKTOP, open_first="main table a"),
    Shot("questionnaire", "manager", "/questionnaires", DESKTOP, open_first="main table a"),
    Shot("texts", "manager", "/templates", DESKTOP),
    Shot("hospital", "administrator", "/hospital", DESKTOP),
    Shot("inbox", "nurse", "/inbox", DESKTOP),
    Shot("overview", "manager", "/overview", DESKTOP),
    Shot("imports", "administrator", "/imports", DESKTOP),
    Shot("handset", "administrator", "/handset", DESKTOP),
)


def log_in(page: Page, base: str, user: str, language: str) -> None:
    page.goto(f"{base}/login")
    page.fill("input[name=username]", user)
    page.fill("input[name=password]", PASSWORD)
    page.click("main .form-actions button")
    html_language = "zh" if language == "zh" else "en"
    if not (page.locator("html").get_attribute("lang") or "").startswith(html_language):
        page.locator("[hreflang]").first.click()


def take(browser: Browser, base: str, folder: Path, shot: Shot, language: str) -> None:
    page = browser.new_context(viewport=shot.size, reduced_motion="reduce").new_page()
    log_in(page, base, shot.user, language)
    page.goto(f"{base}{shot.path}")
    if shot.search:
        page.locator("#find").fill(shot.search)
        page.keyboard.press("Enter")
        page.locator("main table a[href*='/patients/'], main h1").first.wait_for()
        page.locator("main a[href*='/patients/']").first.click()
    if shot.open_first:
        page.locator(shot.open_first).first.click()
    page.wait_for_load_state("networkidle")
    for key in shot.keys:
        page.keyboard.press(key)
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(800)  # an answer is saved before the next question comes
    page.screenshot(path=folder / f"{shot.name}.{language}.png", full_page=True)
    page.context.close()


def main(base: str, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**CHROMIUM)
        for language in ("en", "zh"):
            for shot in SHOTS:
                take(browser, base, folder, shot, language)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
