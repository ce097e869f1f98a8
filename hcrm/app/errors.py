"""Error pages: what happened in a plain sentence and what to do next, without anything about a patient."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException

from hcrm.logs import get_logger
from hcrm.web import wants_json

logger = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What is said about one kind of error: heading, what happened, what to do."""

    code: str
    heading: str
    sentence: str
    advice: str


PAGES = {
    400: ErrorPage(
        "bad_request",
        _l("This could not be read"),
        _l("What your browser sent was not complete."),
        _l("Go back, reload the page and try again."),
    ),
    403: ErrorPage(
        "forbidden",
        _l("You may not see this page"),
        _l("It is not part of what your role or your departments are allowed to see."),
        _l("If you need it for your work, ask your administrator. That you tried has been noted."),
    ),
    404: ErrorPage(
        "not_found",
        _l("There is nothing here"),
        _l("The address is wrong, or what was here is gone."),
        _l("Go to the start page and look for it from there."),
    ),
    405: ErrorPage(
        "method_not_allowed",
        _l("This page cannot be opened like that"),
        _l("It only takes what a form sends."),
        _l("Go to the start page and begin again from there."),
    ),
    413: ErrorPage(
        "too_large",
        _l("This is too large"),
        _l("A file may have at most 512 MB."),
        _l("Split the file, or ask your administrator to import it on the server."),
    ),
    429: ErrorPage(
        "too_many",
        _l("Too many tries in a short time"),
        _l("To protect the accounts, this is closed for a few minutes."),
        _l("Wait a little, then try again."),
    ),
    500: ErrorPage(
        "broken",
        _l("Something went wrong on our side"),
        _l("The fault has been written down. What you entered last may not have been saved."),
        _l("Try again. If it happens again, tell your administrator the time at which it happened."),
    ),
}
CSRF_PAGE = ErrorPage(
    "form_expired",
    _l("This page was open for too long"),
    _l("For your safety the form was not sent. Nothing was changed."),
    _l("Go back, reload the page and send it again."),
)


def _answer(status: int, page: ErrorPage) -> ResponseReturnValue:
    if wants_json():
        return jsonify(error=page.code, message=str(page.heading)), status
    return render_template("error.html", page=page), status


def _http_error(error: HTTPException) -> ResponseReturnValue:
    """One of ours, else the nearest: what the browser did wrong (400) or what we did (500)."""
    status = error.code or 500
    if status < 400:
        return error  # a redirect made by the routing
    return _answer(status, PAGES.get(status) or PAGES[400 if status < 500 else 500])


def _csrf_error(_error: CSRFError) -> ResponseReturnValue:
    return _answer(400, CSRF_PAGE)


def _crash(error: Exception) -> ResponseReturnValue:
    logger.error("request failed", exc_info=error, endpoint=request.endpoint or "-", method=request.method)
    return _answer(500, PAGES[500])


def _impossible_value(error: DataError) -> ResponseReturnValue:
    """A number or a time that came with the request is none that the database can hold."""
    logger.warning("request holds an impossible value", exc_info=error, endpoint=request.endpoint or "-")
    return _answer(400, PAGES[400])


def init_app(app: Flask) -> None:
    """Register the error pages."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(CSRFError, _csrf_error)
    app.register_error_handler(DataError, _impossible_value)
    app.register_error_handler(Exception, _crash)
