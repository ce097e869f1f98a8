"""The form that all forms are made from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import SelectChoice
from wtforms.fields import Field, PasswordField, StringField

WEEKDAYS = (
    ("0", _l("Monday")),
    ("1", _l("Tuesday")),
    ("2", _l("Wednesday")),
    ("3", _l("Thursday")),
    ("4", _l("Friday")),
    ("5", _l("Saturday")),
    ("6", _l("Sunday")),
)
"""Days of the week as choices; the values are those of ``date.weekday``."""


def _strip(value: Any) -> Any:
    return value.strip() if isinstance(value, str) else value


def choices(pairs: Iterable[tuple[str, str]]) -> list[SelectChoice]:
    """Choices of a ``SelectField`` or ``RadioField`` from (value, label)."""
    return [SelectChoice(value, label) for value, label in pairs]


class BaseForm(FlaskForm):  # type: ignore[misc]  # flask_wtf ships no types
    """A form with CSRF protection, whose text fields lose the white space around what was typed (never passwords)."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]  # flask_wtf ships no types
        """How WTForms makes fields."""

        def bind_field(self, form: Any, unbound_field: Any, options: dict[str, Any]) -> Field:
            kind = unbound_field.field_class
            if issubclass(kind, StringField) and not issubclass(kind, PasswordField):
                options["filters"] = [*unbound_field.kwargs.pop("filters", ()), _strip]
            return unbound_field.bind(form=form, **options)
