"""The blueprint that the pages of imports hang on."""

from flask import Blueprint

blueprint = Blueprint("intake", __name__)
