"""Reading a phone number that a person typed."""

from __future__ import annotations

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from hcrm.patients.domain.codes import LineType
from hcrm.patients.domain.ledger import ImpossibleNumber

_LINES = {
    PhoneNumberType.MOBILE: LineType.MOBILE,
    PhoneNumberType.FIXED_LINE: LineType.LANDLINE,
}


def read_number(text: str, country: str) -> tuple[str, LineType]:
    """The E.164 number in ``text`` as people of ``country`` (ISO alpha-2) write it, and its kind of line.

    Raises ``ImpossibleNumber``.
    """
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException as problem:
        raise ImpossibleNumber from problem
    if not phonenumbers.is_possible_number(number):
        raise ImpossibleNumber
    line = _LINES.get(phonenumbers.number_type(number), LineType.UNKNOWN)
    return phonenumbers.format_number(number, PhoneNumberFormat.E164), line


def number_as_dialled(number: str, country: str) -> str:
    """An E.164 number as people of ``country`` write it: short at home, with + from elsewhere."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    home = phonenumbers.country_code_for_region(country) == parsed.country_code
    style = PhoneNumberFormat.NATIONAL if home else PhoneNumberFormat.INTERNATIONAL
    return phonenumbers.format_number(parsed, style)
