"""Imports in a real browser: a file chosen, its columns, the preview, the result and the list, on phone and desktop."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from hcrm.accounts import service
from hcrm.accounts.domain import Language, MembershipSnapshot, Role
from hcrm.clock import FixedClock
from hcrm.intake.jobs import import_files, run_pending_batches
from hcrm.unit_of_work import Runtime, unit_of_work
from tests.browser.accessibility import check
from tests.conftest import PASSWORD

HEAD = "病案号,住院号,姓名,性别,出生日期,出院科室,入院时间,出院时间,离院方式,联系电话,床号\n"
KNOWN = "1001,Z1,张伟,男,1960-02-03,内科,2026-03-01 08:00,2026-03-05 10:00,医嘱离院,13800138000,12\n"
TABLE = (
    HEAD
    + KNOWN.replace("2026-03-05 10:00,医嘱离院,13800138000", "2026-03-06 09:30,2,13800138777")
    + "1004,Z4,李娜,女,1971-06-30,骨科,2026-03-02 08:00,2026-03-06 10:00,1,12,15\n"
    + "1002,Z2,欧阳娜娜,女,1980-12-01,内科,2026-03-01 08:00,2026-02-05 10:00,1,13900139000,13\n"
    + ",Z3,无名,女,1980-12-01,外科,2026-03-01 08:00,2026-03-05 10:00,1,13900139000,14\n"
)


@pytest.fixture
def administrator(
    page: Page, runtime: Runtime, facility: int, clock: FixedClock, tmp_path: Path
) -> Callable[[Language], Page]:
    """Logs an administrator in, of a hospital that knows one of the patients already."""
    known = tmp_path / "known.csv"
    known.write_text(HEAD + KNOWN, encoding="utf-8")

    def log_in(language: Language) -> Page:
        import_files(runtime, facility_id=facility, paths=[known], with_plans=False)
        clock.advance(timedelta(hours=1))
        with unit_of_work(runtime.sessions) as session:
            service.create_user(
                session,
                username="administrator",
                password=PASSWORD,
                display_name="Sam Price",
                language=language,
                memberships=[MembershipSnapshot(facility, Role.ADMINISTRATOR)],
                now=clock.now(),
            )
        page.goto("/login")
        page.locator("#username").fill("administrator")
        page.locator("#password").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(lambda address: "/login" not in address)
        return page

    return log_in


@pytest.mark.parametrize("language", list(Language))
def test_a_file_goes_from_the_desk_to_the_records(
    administrator: Callable[[Language], Page], runtime: Runtime, tmp_path: Path, language: Language
) -> None:
    page = administrator(language)
    page.goto("/imports")
    check(page)
    page.locator("#file").set_input_files(
        {"name": "出院登记.csv", "mimeType": "text/csv", "buffer": TABLE.encode("gb18030")}
    )
    page.locator(".upload-end button").click()
    page.wait_for_url("**/mapping")
    check(page)
    page.locator(".panel-head .btn-primary").click()
    page.wait_for_url(lambda address: address.endswith("/mapping") is False)
    changed = page.locator("table.changes")
    expect(changed.locator("ins")).to_have_count(3)
    expect(changed).not_to_contain_text("13800138777")
    expect(page.locator(".consequences li")).to_have_count(6)
    check(page)

    with page.expect_download() as download:
        page.locator("a[download]").click()
    refused = Path(tmp_path / "refused.csv")
    download.value.save_as(refused)
    with refused.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["住院号"], row["code"]) for row in rows] == [
        ("Z2", "discharge_before_admission"),
        ("Z3", "missing_mrn"),
    ]

    page.locator(".panel-head .btn-primary").click()
    expect(page.locator("[data-progress]")).to_be_visible()
    check(page)
    assert run_pending_batches(runtime) == 1
    expect(page.locator("dl.tally")).to_be_visible(timeout=15_000)
    check(page)
    page.goto("/imports")
    expect(page.locator("tbody tr")).to_have_count(2)
    check(page)


def test_a_file_that_is_no_table_is_said_at_the_field(administrator: Callable[[Language], Page]) -> None:
    page = administrator(Language.EN)
    page.goto("/imports")
    page.locator("#file").set_input_files(
        {"name": "scan.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n" + bytes(range(256))}
    )
    page.locator(".upload-end button").click()
    expect(page.locator("#file-error")).to_contain_text("is not a CSV file but a picture")
    check(page)
