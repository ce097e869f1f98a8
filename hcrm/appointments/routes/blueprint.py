"""The blueprint of the staff's pages of appointments."""

from flask import Blueprint

blueprint = Blueprint("appointments", __name__, url_prefix="/visits")
