"""Puts a patient's timeline together: the sources of all packages, and the words for what they tell."""

from __future__ import annotations

from collections import ChainMap

from flask import Flask

from hcrm.appointments import forms as appointments_forms
from hcrm.followup import forms as followup_forms
from hcrm.messaging import forms as messaging_forms
from hcrm.patients import forms as patients_forms
from hcrm.survey import forms as survey_forms
from hcrm.wiring import TIMELINE_SOURCES

FORMS = (patients_forms, messaging_forms, survey_forms, followup_forms, appointments_forms)


def init_app(app: Flask) -> None:
    """Give the patient's page its sources and words."""
    app.extensions["hcrm.timeline"] = TIMELINE_SOURCES
    app.extensions["hcrm.timeline_words"] = ChainMap(*(dict(each.TIMELINE_WORDS) for each in FORMS))
    app.extensions["hcrm.timeline_states"] = ChainMap(*(dict(each.TIMELINE_STATES) for each in FORMS))
