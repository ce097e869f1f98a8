"""Forms of an upload: the file, and what its columns mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField, FileRequired
from wtforms import BooleanField, SelectField, StringField
from wtforms.validators import Length, ValidationError

from hcrm.intake.domain import FIELDS, IGNORED, JOINED_FIELDS, CsvShape, Layout, Profile
from hcrm.intake.forms.labels import DELIMITER_LABELS, FIELD_LABELS
from hcrm.intake.readers.csv_rows.heads import missing_fields
from hcrm.web import BaseForm, choices

ENCODINGS: Final = (
    ("", _l("find out")),
    ("utf-8", _l("UTF-8 (most programs)")),
    ("gb18030", _l("GB18030 (Chinese Windows)")),
    ("utf-16", _l("UTF-16")),
    ("big5", _l("Big5 (traditional Chinese)")),
    ("cp1252", _l("Windows-1252 (Western European)")),
)
DATE_FORMATS: Final = (
    ("", _l("find out")),
    ("DD/MM/YYYY", _l("day first: 31/12/2026")),
    ("MM/DD/YYYY", _l("month first: 12/31/2026")),
)
_FIELD_CHOICES: Final = [(IGNORED, _l("not imported")), *((name, FIELD_LABELS[name]) for name in FIELDS)]


class UploadForm(BaseForm):
    """A file, the facility whose records it holds, and its encoding if that is known."""

    file = FileField(_l("File"), validators=[FileRequired(message=_l("Choose a file."))])
    facility = SelectField(_l("Facility"), coerce=int)
    profile = SelectField(_l("Profile"), coerce=int, default=0)
    encoding = SelectField(_l("Encoding"), choices=choices(ENCODINGS), default="")
    sheet = StringField(_l("Sheet"), validators=[Length(max=64)])


class MappingForm(BaseForm):
    """How the file is read; the fields of its columns are added by ``mapping_form``."""

    delimiter = SelectField(_l("Delimiter"), choices=choices(DELIMITER_LABELS.items()))
    header_row = SelectField(_l("The column heads are in row"), coerce=int)
    dates = SelectField(_l("Dates such as 04/03/2026"), choices=choices(DATE_FORMATS), default="")
    with_plans = BooleanField(_l("Plan follow-ups for these stays"))

    column_names: Sequence[str] = ()

    def columns(self) -> dict[str, tuple[str, ...]]:
        """The columns of each field as a profile names them (``#1`` is the first); ``-`` holds those left out."""
        found: dict[str, tuple[str, ...]] = {}
        for number, name in enumerate(self.column_names, start=1):
            field = self[name].data
            found[field] = (*found.get(field, ()), f"#{number}")
        return found

    def validate_with_plans(self, _field: Any) -> None:
        """The columns have to make records: required fields are there, and none twice that may be there only once."""
        columns = {name: (0,) for name in self.columns() if name != IGNORED}
        missing = missing_fields(columns)
        if "mrn" in missing:
            raise ValidationError(_l("Choose the column that holds the MRN."))
        if missing:
            raise ValidationError(_l("Choose the column that holds the discharge or the admission."))
        for name, numbers in self.columns().items():
            if name not in JOINED_FIELDS and name != IGNORED and len(numbers) > 1:
                raise ValidationError(_l("%(field)s is chosen for two columns.", field=FIELD_LABELS[name]))


def mapping_form(shape: CsvShape, profile: Profile, *, with_plans: bool) -> MappingForm:
    """The form for a file, filled with what was found out."""
    means = {position: name for name, positions in shape.columns.items() for position in positions}
    names = [f"column_{position}" for position in range(len(shape.heads))]
    fields: dict[str, Any] = {
        name: SelectField(head or "–", choices=choices(_FIELD_CHOICES), default=means.get(position, IGNORED))
        for position, (name, head) in enumerate(zip(names, shape.heads, strict=True))
    }
    form_class = type("MappingFormOfFile", (MappingForm,), {**fields, "column_names": names})
    stated = next(iter(profile.date_formats), "")
    form: MappingForm = form_class(
        delimiter=shape.delimiter, header_row=shape.header_row, dates=stated, with_plans=with_plans
    )
    rows = sorted({*range(1, 11), shape.header_row})
    form["header_row"].choices = choices((str(row), str(row)) for row in rows)
    return form


def profile_of(form: MappingForm, shape: CsvShape, profile: Profile) -> Profile:
    """The profile that a filled form states; another delimiter or head row starts the columns anew."""
    dates = (form["dates"].data,) if form["dates"].data else ()
    moved = form["delimiter"].data != shape.delimiter or form["header_row"].data != shape.header_row
    columns = {} if moved or shape.layout is Layout.SYNTHEA else form.columns()
    values = profile.to_json() | {
        "delimiter": form["delimiter"].data,
        "header_row": form["header_row"].data,
        "date_formats": dates,
        "columns": columns,
    }
    return Profile.from_json(values)


def is_moved(form: MappingForm, shape: CsvShape) -> bool:
    """Whether the form asks to read the table anew, from another row or with another delimiter."""
    return bool(form["delimiter"].data != shape.delimiter or form["header_row"].data != shape.header_row)
