"""The address of another page of a list."""

from __future__ import annotations

import pytest
from flask import Flask

from hcrm.web.paging import Page


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("/list", "/list?page=3"),
        ("/list?page=2&ward=7&ward=8", "/list?ward=7&ward=8&page=3"),
        ("/list?q=%E7%8E%8B+%26", "/list?q=%E7%8E%8B+%26&page=3"),
        ("/list?endpoint=other&_external=1&_scheme=moon", "/list?endpoint=other&_external=1&_scheme=moon&page=3"),
    ],
)
def test_filters_stay_in_the_address_and_are_nothing_but_filters(asked: str, expected: str) -> None:
    app = Flask(__name__)
    app.add_url_rule("/list", "list", lambda: "")
    with app.test_request_context(asked):
        assert Page.of([1], 2).url(3) == expected
