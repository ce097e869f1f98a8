"""Pages of messaging: the Inbox, answers from it, *why (not)?* of one message, and the simulated phones."""

from hcrm.messaging.routes import answer, handset, inbox, templates, why
from hcrm.messaging.routes.blueprint import blueprint

__all__ = ["answer", "blueprint", "handset", "inbox", "templates", "why"]
