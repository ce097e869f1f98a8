"""Forms of the patients' pages, and the words for what they show."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length

from hcrm.patients.domain import (
    ConsentChannel,
    ConsentPurpose,
    ConsentSnapshot,
    OwnerKind,
    PatientFlag,
)
from hcrm.patients.forms.labels import (
    CHANNELS,
    FLAGS,
    HOW_SAID,
    LANGUAGES,
    MERGE_REASONS,
    OWNERS,
    PURPOSES,
    RETIRED,
    TIMELINE_STATES,
    TIMELINE_WORDS,
)
from hcrm.web import BaseForm, choices

__all__ = [
    "TIMELINE_STATES",
    "TIMELINE_WORDS",
    "ConsentForm",
    "ContactForm",
    "FlagsForm",
    "LanguageForm",
    "MergeForm",
    "OwnerForm",
    "RetireForm",
    "SearchForm",
    "UndoForm",
]

IMPOSSIBLE_NUMBER = _l("This is no phone number that can be dialled. Check the digits, with the area code.")
NAME_THE_OWNER = _l("Say whose number it is.")


class SearchForm(BaseForm):
    """A name, an MRN or digits of a phone number."""

    q = StringField(_l("Name, MRN or the last digits of a phone number"), validators=[Length(max=100)])


class OwnerForm(BaseForm):
    """Whose number it is."""

    owner_kind = RadioField(_l("Whose number is it?"), choices=choices((k.value, v) for k, v in OWNERS.items()))
    owner_name = StringField(_l("Name of the person"), validators=[Length(max=200)])
    relationship = StringField(_l("How they are related to the patient"), validators=[Length(max=64)])
    may_discuss_health = BooleanField(_l("Health may be discussed with this person"))
    verified = BooleanField(_l("I have just checked that this is right"))

    def validate(self, extra_validators: Mapping[str, Any] | None = None) -> bool:
        """A number that is not the patient's own needs the name of its owner."""
        valid: bool = super().validate(extra_validators)
        if valid and self.owner_kind.data == OwnerKind.RELATIVE and not self.owner_name.data:
            self.owner_name.errors = [NAME_THE_OWNER]
            return False
        return valid


class ContactForm(OwnerForm):
    """A new number with its owner."""

    number = StringField(
        _l("Phone number"),
        validators=[InputRequired(message=_l("Enter a phone number.")), Length(max=40)],
        render_kw={"inputmode": "tel", "autocomplete": "off"},
    )


class RetireForm(BaseForm):
    """Why a number is no longer used."""

    reason = SelectField(_l("Why is it no longer used?"), choices=choices((k.value, v) for k, v in RETIRED.items()))


class LanguageForm(BaseForm):
    """The language in which the patient is spoken and written to."""

    language = RadioField(_l("Language of the patient"), choices=choices((k.value, v) for k, v in LANGUAGES.items()))


class FlagsForm(BaseForm):
    """What every caller sees first."""

    diagnosis_not_told = BooleanField(FLAGS[PatientFlag.DIAGNOSIS_NOT_TOLD])
    open_dispute = BooleanField(FLAGS[PatientFlag.OPEN_DISPUTE])
    loss_of_baby = BooleanField(FLAGS[PatientFlag.LOSS_OF_BABY])

    @property
    def chosen(self) -> frozenset[PatientFlag]:
        return frozenset(flag for flag in PatientFlag if self[flag.value].data)


class MergeForm(BaseForm):
    """Which of two records stands for the person, and why they are one."""

    keep = RadioField(_l("Which record stands for the person?"))
    reason = SelectField(_l("Why are they one person?"), choices=choices(MERGE_REASONS.items()))


class UndoForm(BaseForm):
    """Nothing but the proof that the request came from our own page."""


ASKED = tuple(
    (purpose, channel)
    for purpose in ConsentPurpose
    for channel in ConsentChannel
    if channel is not ConsentChannel.HOME_VISIT or purpose is ConsentPurpose.CARE
)
"""The purposes and channels that patients are asked about: a home visit is for care only."""


class ConsentForm(BaseForm):
    """One box per purpose and channel, and how the patient said it."""

    how = SelectField(_l("How did the patient say so?"), choices=choices(HOW_SAID.items()))

    @property
    def boxes(self) -> Iterator[tuple[ConsentPurpose, list[tuple[ConsentChannel, Any]]]]:
        """Rows of the table: a purpose with its box (or None) per channel."""
        for purpose in ConsentPurpose:
            yield purpose, [(channel, self._fields.get(_box(purpose, channel))) for channel in ConsentChannel]

    def changes(
        self, held: Mapping[tuple[ConsentPurpose, ConsentChannel], ConsentSnapshot]
    ) -> list[tuple[ConsentPurpose, ConsentChannel, bool]]:
        """What the patient says otherwise than what holds."""
        said = ((purpose, channel, bool(self[_box(purpose, channel)].data)) for purpose, channel in ASKED)
        return [each for each in said if held[each[0], each[1]].given != each[2]]

    @classmethod
    def showing(cls, held: Mapping[tuple[ConsentPurpose, ConsentChannel], ConsentSnapshot]) -> ConsentForm:
        """The form with what holds now."""
        return cls(formdata=None, data={_box(*asked): held[asked].given for asked in ASKED})


def _box(purpose: ConsentPurpose, channel: ConsentChannel) -> str:
    return f"{purpose.value}_{channel.value}"


for _purpose, _channel in ASKED:
    setattr(
        ConsentForm,
        _box(_purpose, _channel),
        BooleanField(_l("%(purpose)s: %(channel)s", purpose=PURPOSES[_purpose], channel=CHANNELS[_channel])),
    )
