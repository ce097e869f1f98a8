"""The blueprint that the patients' pages hang on."""

from flask import Blueprint

blueprint = Blueprint("patients", __name__)
