"""What re-calls say, in words, and what the quality office enters about them."""

from __future__ import annotations

from collections.abc import Mapping

from flask_babel import lazy_gettext as _l
from wtforms import SelectField, TextAreaField
from wtforms.validators import InputRequired, Length

from hcrm.followup.domain.recall import Difference, Finding, Oddity
from hcrm.followup.forms.input import NOTE_LIMIT
from hcrm.web import BaseForm, choices

DIFFERENCES: Mapping[Difference, str] = {
    Difference.NOT_CALLED: _l("Record and patient do not agree whether there was a call"),
    Difference.OTHER_PERSON: _l("The patient names another caller: doctor or nurse"),
    Difference.CARE_NOT_ASKED: _l("Medicines and return visit were not asked about, the patient says"),
}
ODDITIES: Mapping[Oddity, str] = {
    Oddity.TOO_SHORT: _l("Far shorter than its answers need"),
    Oddity.SAME_ANSWERS: _l("The same answer many times in a row"),
}
FINDINGS: Mapping[Finding, str] = {
    Finding.CALL_MADE: _l("The call was made"),
    Finding.CALL_NOT_MADE: _l("The call was not made"),
    Finding.RECORD_WRONG: _l("Made, but recorded wrongly"),
    Finding.PATIENT_UNSURE: _l("Cannot be found out"),
}


class ReviewForm(BaseForm):
    """What was found out."""

    finding = SelectField(
        _l("What was found out"),
        choices=choices([("", _l("Choose")), *[(each.value, label) for each, label in FINDINGS.items()]]),
        validators=[InputRequired(_l("Choose what was found out."))],
    )
    note = TextAreaField(
        _l("How it was looked into"),
        validators=[
            InputRequired(_l("Write how it was looked into.")),
            Length(max=NOTE_LIMIT, message=_l("This note is too long.")),
        ],
    )
