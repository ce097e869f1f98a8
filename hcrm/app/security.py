"""What every request is held to, and the headers that every answer carries."""

from __future__ import annotations

from flask import Flask, Response, abort, request
from werkzeug.routing import IntegerConverter, Map

from hcrm.accounts.domain import Action, permitted
from hcrm.accounts.guard import actor_or_none

# Plotly writes two <style> elements, allowed by their hashes. A browser test checks them against the installed Plotly.
PLOTLY_STYLES = (
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-ji27qzEtxXZW+7dun6UwjHXJ18e6WAin1VvNtkzIE/o='",
)
POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        f"style-src 'self' {' '.join(PLOTLY_STYLES)}",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
KEPT_ENDPOINTS = frozenset({"vendor.bootstrap", "vendor.plotly"})
MACHINES = ("/webhooks/", "/fhir")
UPLOADS = "intake.index"
MAX_UPLOAD_BYTES = 512 * 1024 * 1024
YEAR = "public, max-age=31536000, immutable"


def _is_kept(response: Response) -> bool:
    """True for files whose address changes when they do."""
    versioned = request.endpoint in KEPT_ENDPOINTS or (request.endpoint == "static" and "v" in request.args)
    return versioned and response.status_code in (200, 304)


class RecordId(IntegerConverter):
    """An id in an address; what no id of the database can be is an address that does not exist."""

    def __init__(self, url_map: Map) -> None:
        super().__init__(url_map, max=2**63 - 1)


def allow_upload() -> None:
    """Let only people who may import send a large body, and only to where files are taken."""
    if request.endpoint != UPLOADS or request.method != "POST":
        return
    actor = actor_or_none()
    if actor is not None and permitted(actor, Action.IMPORT_RECORDS):
        request.max_content_length = MAX_UPLOAD_BYTES


def refuse_nul() -> None:
    """No key on a keyboard makes a NUL character, and the database cannot keep one.

    Calls of other machines are read by their own pages, which first look at how long they are and who signed them.
    """
    if request.path.startswith(MACHINES):
        return
    if any("\0" in value for _name, values in request.values.lists() for value in values):
        abort(400)


def init_app(app: Flask) -> None:
    """Check what comes in, add the headers to what goes out. Before the pages are registered."""
    app.url_map.converters["int"] = RecordId
    app.before_request(refuse_nul)
    secure = app.config["SESSION_COOKIE_SECURE"]

    @app.after_request
    def add_headers(response: Response) -> Response:
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if secure:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        # Pages hold patients: no browser or proxy keeps them, and going back after the log-out shows nothing.
        response.headers["Cache-Control"] = YEAR if _is_kept(response) else "no-store"
        return response
