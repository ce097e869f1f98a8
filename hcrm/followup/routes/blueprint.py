"""The blueprint that the pages of follow-up hang on."""

from flask import Blueprint

blueprint = Blueprint("followup", __name__)
