"""The blueprint that the pages of messaging hang on, with the filters that their templates use."""

import re

from flask import Blueprint
from markupsafe import Markup, escape

from hcrm.messaging.forms import pretty_number

blueprint = Blueprint("messaging", __name__)
blueprint.add_app_template_filter(pretty_number, "phone_number")

ADDRESS = re.compile(r"https?://[^\s<>\"']+")


@blueprint.app_template_filter()
def with_links(text: str) -> Markup:
    """A text as HTML whose addresses can be followed, also where Chinese stands right before them."""
    parts, end = [], 0
    for found in ADDRESS.finditer(text):
        parts += [escape(text[end : found.start()]), _link(found[0])]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def _link(address: str) -> Markup:
    return Markup('<a href="{0}" target="_blank" rel="noopener">{0}</a>').format(address)
