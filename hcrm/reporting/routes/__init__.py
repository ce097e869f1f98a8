"""The figures on pages, as files and for other programs."""

from hcrm.reporting.routes import access, api, exports, measures, meeting, mine, pages, patients, review, sides
from hcrm.reporting.routes.blueprint import blueprint

__all__ = [
    "access",
    "api",
    "blueprint",
    "exports",
    "measures",
    "meeting",
    "mine",
    "pages",
    "patients",
    "review",
    "sides",
]
