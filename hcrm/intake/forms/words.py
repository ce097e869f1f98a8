"""The form for the words of a hospital: what its own words for class, end of a stay and sex mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import SelectField, StringField
from wtforms.validators import Length

from hcrm.intake.domain import Profile
from hcrm.intake.forms.labels import CLASS_LABELS
from hcrm.intake.readers.csv_rows.words import fold
from hcrm.patients.domain import Disposition
from hcrm.patients.forms.labels import DISPOSITIONS, SEXES
from hcrm.web import BaseForm, choices

FREE_LINES = 4
"""Empty lines at the end of each table; saving gives new ones."""

LONGEST_WORD = 80
MOST_LINES = 500

_ENDS: Mapping[str, Any] = {each.value: DISPOSITIONS.get(each, _l("not known")) for each in Disposition}

TABLES: Mapping[str, tuple[Any, Mapping[str, Any]]] = {
    "classes": (_l("Kind of stay"), {str(code): label for code, label in CLASS_LABELS.items()}),
    "dispositions": (_l("How the stay ended"), _ENDS),
    "sexes": (_l("Sex"), {each.value: label for each, label in SEXES.items()}),
}
"""The tables of a profile: what each is about, and what a word in it can mean."""


class WordsForm(BaseForm):
    """One line for each word; a line without a word says nothing."""

    lines: Mapping[str, int] = {}

    def rows(self, table: str) -> Iterator[tuple[Any, Any]]:
        """The fields of a table, line by line: the word and what it means."""
        for at in range(self.lines[table]):
            yield self[f"{table}_word_{at}"], self[f"{table}_code_{at}"]

    def tables(self) -> dict[str, dict[str, str]]:
        """What was filled in."""
        return {
            table: {word.data.strip(): code.data for word, code in self.rows(table) if (word.data or "").strip()}
            for table in TABLES
        }

    def validate(self, extra_validators: Any = None) -> bool:
        """Each word has a meaning, and no word stands twice in a table however it is written."""
        valid = bool(super().validate(extra_validators))
        for table in TABLES:
            seen: set[str] = set()
            for word, code in self.rows(table):
                text = (word.data or "").strip()
                wrong = _wrong(text, code.data, seen)
                if wrong:
                    word.errors = [wrong]
                    valid = False
                seen.add(fold(text))
        return valid


def _wrong(text: str, code: str, seen: set[str]) -> str:
    if text and not code:
        return str(_("Choose what this word means."))
    if code and not text:
        return str(_("Write the word that means this."))
    return str(_("This word stands here twice.")) if text and fold(text) in seen else ""


def words_form(profile: Profile, lines: Mapping[str, int] | None = None) -> WordsForm:
    """The form with the words of a profile, or (``lines``) as many lines in each table as were sent."""
    fields: dict[str, Any] = {}
    known = {table: list(getattr(profile, table).items()) for table in TABLES}
    count = {table: max(len(known[table]) + FREE_LINES, (lines or {}).get(table, 0)) for table in TABLES}
    for table, (_about, codes) in TABLES.items():
        for at in range(count[table]):
            word, code = known[table][at] if at < len(known[table]) else ("", "")
            fields[f"{table}_word_{at}"] = StringField(
                _l("Word in the file"), default=word, validators=[Length(max=LONGEST_WORD)]
            )
            fields[f"{table}_code_{at}"] = SelectField(
                _l("Means"), default=code, choices=choices([("", "–"), *codes.items()])
            )
    form: WordsForm = type("WordsForm", (WordsForm,), {"lines": count, **fields})()
    return form
