"""Parts of a machine that some tests need and that may be missing on it."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest

MARK = "[missing] "


def missing(what: str, how_to_get_it: str) -> NoReturn:
    """Skip a test because ``what`` is not on this machine; with ``CI=true`` it fails instead."""
    sentence = f"{what} is missing. {how_to_get_it}"
    if os.environ.get("CI") == "true":
        pytest.fail(sentence, pytrace=False)
    pytest.skip(f"{MARK}{sentence}")


def reasons(skipped: list[pytest.TestReport]) -> dict[str, int]:
    """What was missing, and how many tests were skipped for it."""
    counts: dict[str, int] = {}
    for report in skipped:
        text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        if MARK in text:
            sentence = text.split(MARK, 1)[1]
            counts[sentence] = counts.get(sentence, 0) + 1
    return counts
