"""The form for a new token."""

from __future__ import annotations

from flask_babel import lazy_gettext as _l
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.validators import DataRequired, Length

from hcrm.reporting.domain.tokens import REPORTS
from hcrm.reporting.forms.workbook import REPORT_LABELS
from hcrm.tokens.forms import TokenForm
from hcrm.web import choices


class FigureTokenForm(TokenForm):
    """Which tool it is for, and what it may read."""

    name = StringField(_l("Tool"), validators=[DataRequired(message=_l("Say which tool it is for.")), Length(max=100)])
    reports = SelectMultipleField(_l("Reports it may read"), validators=[DataRequired(message=_l("Choose a report."))])
    department = SelectField(_l("Department"))

    def offer(self, departments: dict[int, str]) -> None:
        """Fill the choices; a token without a department reads the whole hospital."""
        self.reports.choices = choices((code, REPORT_LABELS[code]) for code in REPORTS)
        every = [("", _l("All departments"))]
        self.department.choices = choices([*every, *((str(key), name) for key, name in departments.items())])
