"""Which language a page is in.

Asked in this order: what the page itself decided (a patient's page is in the patient's language), what was chosen in
this session, what this browser chose earlier, what the browser says its user reads, English.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import g, has_app_context, has_request_context, request, session
from flask_babel import get_translations, refresh
from werkzeug.datastructures import LanguageAccept
from werkzeug.wrappers import Response

LANGUAGES: Mapping[str, str] = {"en": "English", "zh_Hans": "简体中文"}
"""Languages of the screens by locale, each named in itself."""

COOKIE = "hcrm_language"
COOKIE_SECONDS = 365 * 24 * 3600


def best_language(accepted: LanguageAccept) -> str | None:
    """The first of the accepted languages that we have; any Chinese (zh, zh-CN, zh-Hans-SG …) is ``zh_Hans``."""
    for tag in accepted.values():
        primary = tag.replace("_", "-").split("-")[0].lower()
        if primary == "zh":
            return "zh_Hans"
        if primary == "en":
            return "en"
    return None


def language() -> str:
    """The language of the page being made: ``en`` or ``zh_Hans``."""
    if not has_request_context():
        return "en"
    for candidate in (g.get("hcrm_language"), session.get("language"), request.cookies.get(COOKIE)):
        if candidate in LANGUAGES:
            return str(candidate)
    return best_language(request.accept_languages) or "en"


def locale_code() -> str:
    """The value of the ``lang`` attribute: ``en`` or ``zh-Hans``."""
    return language().replace("_", "-")


def use_language(chosen: str) -> None:
    """Make this one page in ``chosen``, whatever else was chosen (patients' pages)."""
    g.hcrm_language = chosen
    g.pop("hcrm_texts", None)
    refresh()


def choose_language(chosen: str, response: Response, *, secure: bool) -> None:
    """Remember ``chosen`` for this session and this browser."""
    session["language"] = chosen
    response.set_cookie(COOKIE, chosen, max_age=COOKIE_SECONDS, secure=secure, httponly=True, samesite="Lax", path="/")


def gettext(text: str, **values: object) -> str:
    """The text in the language of the page. A page asks a thousand times, so its catalogue is looked up once."""
    found: str = _texts().gettext(text)
    return found % values if values else found


def ngettext(singular: str, plural: str, num: int, **values: object) -> str:
    """The text for this number, which is ``num`` in it, in the language of the page."""
    return unfilled_ngettext(singular, plural, num) % {"num": num, **values}


def unfilled_ngettext(singular: str, plural: str, num: int) -> str:
    """The text for this number with its places still open: templates fill them in."""
    found: str = _texts().ngettext(singular, plural, num)
    return found


def _texts() -> Any:
    """The catalogue of the page; one without texts outside of requests and commands."""
    if not has_app_context():
        return get_translations()
    found = g.get("hcrm_texts")
    if found is None:
        found = g.hcrm_texts = get_translations()
    return found
