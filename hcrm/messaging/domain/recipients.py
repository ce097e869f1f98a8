"""Whose phone a message goes to, decided when it is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hcrm.messaging.domain.states import Reason
from hcrm.patients.domain import ContactSnapshot, LineType, OwnerKind

ADULT_FROM_AGE = 14
"""Below this age (whole years) a patient is reached through a parent."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """The phone chosen, or the reason why there is none; ``fact`` says which rule chose."""

    number: str | None
    contact_point_id: int | None
    reason: Reason | None
    fact: str


def answering(number: str) -> Recipient:
    """A phone named by the message itself: the one that wrote gets the answer, whoever holds it; so does the duty
    phone what is meant for staff.
    """
    return Recipient(number=number, contact_point_id=None, reason=None, fact="phone_that_wrote")


def choose_recipient(contacts: Sequence[ContactSnapshot], *, age: int | None, sensitive: bool) -> Recipient:
    """The phone for a text to a patient.

    An adult's own number first, then that of a relative with whom health may be discussed; a child under 14 only
    through a relative; after a stay marked sensitive only the patient's own. Mobiles before numbers of unknown type;
    a landline takes no text. ``contacts`` of the patient in any order; retired ones are passed over.
    """
    child = age is not None and age < ADULT_FROM_AGE
    allowed = [
        contact
        for contact in contacts
        if contact.retired_at is None and _allowed(contact, child=child, sensitive=sensitive)
    ]
    if not allowed:
        return Recipient(None, None, Reason.INVALID_NUMBER, _nobody(child=child, sensitive=sensitive))
    possible = [contact for contact in allowed if contact.number is not None]
    if not possible:
        return Recipient(None, None, Reason.INVALID_NUMBER, "no_valid_number")
    texting = [contact for contact in possible if contact.line_type is not LineType.LANDLINE]
    if not texting:
        return Recipient(None, None, Reason.LANDLINE, "only_landline")
    best = min(texting, key=_preference)
    fact = "own_number" if best.owner_kind is OwnerKind.PATIENT else ("parent" if child else "relative")
    return Recipient(best.number, best.id, None, fact)


def _allowed(contact: ContactSnapshot, *, child: bool, sensitive: bool) -> bool:
    own = contact.owner_kind is OwnerKind.PATIENT
    if sensitive:
        return own and not child
    if child:
        return not own
    return own or contact.may_discuss_health


def _preference(contact: ContactSnapshot) -> tuple[bool, bool, int, int]:
    return (
        contact.owner_kind is not OwnerKind.PATIENT,
        contact.line_type is not LineType.MOBILE,
        contact.rank,
        contact.id,
    )


def _nobody(*, child: bool, sensitive: bool) -> str:
    if sensitive:
        return "sensitive_own_number_only"
    return "no_parent_number" if child else "no_number"
