"""What PID and NK1 say about a patient and the person to contact."""

from __future__ import annotations

from datetime import date
from typing import Final, NamedTuple

from hcrm.intake.domain import RowRefused
from hcrm.intake.readers.csv_rows.dates import EARLIEST_YEAR
from hcrm.intake.readers.csv_rows.values import clean, identifier, join_name, split_name
from hcrm.intake.readers.csv_rows.words import LANGUAGES, fold
from hcrm.intake.readers.hl7v2.reading import Gathering, Values
from hcrm.intake.readers.hl7v2.segments import Components, Segment
from hcrm.intake.readers.hl7v2.tables import MOBILE, NO_IDENTIFIERS, NO_PHONES, NUMBER_TYPES
from hcrm.patients.domain import EXPLICIT_NULL, NO_NUMBER, LineType, OwnerKind, PhoneEntry

NAME_LENGTH: Final = 100
OLDEST_AGE: Final = 130
Owner = tuple[OwnerKind, str, str]
_OLDER_PLACES: Final = (2, 4)
"""PID-2 and PID-4, where old messages hold the number of the patient."""


class Numbers(NamedTuple):
    """The hospital's number of a patient, and numbers of other systems as (system, value)."""

    mrn: str
    others: tuple[tuple[str, str], ...] = ()


def numbers_of(segment: Segment, places: tuple[int, ...], authority: str) -> Numbers:
    """The numbers of a patient in the first of ``places`` that holds one.

    With an ``authority`` only its numbers are the hospital's; a patient known by others' alone is told apart from the
    hospital's own by their name behind the number. Raises ``RowRefused`` (``missing_mrn``).
    """
    found = next((held for place in places if (held := _named(segment, place))), [])
    if not found:
        raise RowRefused("missing_mrn", "mrn")
    own = [each for each in found if _issuer(each) == authority] if authority else found
    chosen = min(own or found, key=_likeness)
    others = ((_issuer(each)[:64], identifier(each[1])) for each in found if each is not chosen and _is_kept(each))
    number = identifier(chosen[1])
    if authority and not own:
        number = identifier(f"{number}^{_issuer(chosen)}")
    return Numbers(number, tuple(dict.fromkeys(others)))


def patient_numbers(pid: Segment, authority: str) -> Numbers:
    """The numbers in PID-3, else in PID-2 or PID-4."""
    return numbers_of(pid, (3, *_OLDER_PLACES), authority)


def _named(segment: Segment, place: int) -> list[Components]:
    return [each for each in segment.repetitions(place) if clean(each[1])]


def _issuer(number: Components) -> str:
    """The assigning authority: its short name, else its universal id."""
    return clean(number.sub(4, 1) or number.sub(4, 2))


def _likeness(number: Components) -> int:
    kind = number[5].upper()
    return NUMBER_TYPES.index(kind) if kind in NUMBER_TYPES else len(NUMBER_TYPES)


def _is_kept(number: Components) -> bool:
    return bool(_issuer(number)) and number[5].upper() not in NO_IDENTIFIERS


def patient_values(gathering: Gathering, pid: Segment) -> Values:
    """The fields of a row that PID and NK1 mention."""
    values: Values = {
        **_names(gathering, pid),
        **_life(gathering, pid),
        "address": _address(gathering, pid),
        **_contact(gathering),
    }
    sex = pid.text(8)
    if sex:
        values["sex"] = gathering.reading.sex(sex)
        if values["sex"] is None:
            gathering.remark("sex", "unknown_word", value=sex[:80])
    language = pid.first(15)
    if language[1]:
        values["language"] = LANGUAGES.get(fold(language[1])) or LANGUAGES.get(fold(language[2]))
    values["phones"] = _phones(gathering, pid, values)
    return {name: value for name, value in values.items() if value is not None}


def _names(gathering: Gathering, pid: Segment) -> Values:
    """PID-5: the first whole name, a legal one before others."""
    names = [each for each in pid.repetitions(5) if each[1] or each[2]]
    if not names:
        return {}
    name = min(names, key=lambda each: (not (each[1] and each[2]), each[7] not in {"L", ""}))
    family, given = (gathering.cut(name[number], NAME_LENGTH, "name") for number in (1, 2))
    full = join_name(family, given)
    parts = split_name(family) if not given else (None, None)
    return {"family_name": parts[0] or family, "given_name": parts[1] or given, "full_name": full}


def _life(gathering: Gathering, pid: Segment) -> Values:
    """PID-7 and PID-29/30. That a patient is not dead (N) is what systems send unasked, so it says nothing."""
    born, died = gathering.day(pid, 7, "birth_date"), gathering.day(pid, 29, "deceased_at")
    if died is None and pid.is_null(30):
        died = EXPLICIT_NULL
    if died is None and pid.text(30).upper() in {"Y", "YES"}:
        died = gathering.happened_at().astimezone(gathering.reading.zone).date()
    today = gathering.now.astimezone(gathering.reading.zone).date()
    for field, day in (("birth_date", born), ("deceased_at", died)):
        if isinstance(day, date):
            _check_day(day, field, today)
    if isinstance(born, date) and today.year - born.year > OLDEST_AGE:
        raise RowRefused("age_over_130", "birth_date", age=today.year - born.year, value=born.isoformat())
    return {"birth_date": born, "deceased_on": died}


def _check_day(day: date, field: str, today: date) -> None:
    if day.year < EARLIEST_YEAR:
        raise RowRefused("before_1900", field, year=day.year)
    if (day - today).days > 1:
        raise RowRefused("in_future", field, value=day.isoformat())


def _address(gathering: Gathering, pid: Segment) -> object:
    if pid.is_null(11):
        return EXPLICIT_NULL
    address = pid.first(11)
    parts = dict.fromkeys(clean(address[number]) for number in (1, 2, 3, 4, 5, 6))
    return gathering.cut(", ".join(filter(None, parts)), 1000, "address") or None


def _contact(gathering: Gathering) -> Values:
    """The first NK1: who is to be contacted, and how they are related."""
    kin = gathering.message.first("NK1")
    if kin is None or not kin.raw(2):
        return {}
    if kin.is_null(2):
        return {"contact_name": EXPLICIT_NULL, "contact_relationship": EXPLICIT_NULL}
    name, relationship = kin.first(2), kin.first(3)
    family, given = clean(name[1]), clean(name[2])
    return {
        "contact_name": gathering.cut(join_name(family, given), NAME_LENGTH, "contact_name") or None,
        "contact_relationship": gathering.cut(relationship[2] or relationship[1], 64, "contact_relationship") or None,
    }


def _phones(gathering: Gathering, pid: Segment, values: Values) -> tuple[PhoneEntry, ...]:
    """Home and business numbers of the patient, then those of the contact person, each once."""
    kin = gathering.message.first("NK1")
    owner: Owner = (OwnerKind.PATIENT, "", "")
    named = [(each, owner) for place in (13, 40, 14) for each in pid.repetitions(place)]
    if kin is not None:
        name, relationship = (values.get(field) or "" for field in ("contact_name", "contact_relationship"))
        owner = (OwnerKind.RELATIVE, "", "") if name is EXPLICIT_NULL else (OwnerKind.RELATIVE, name, relationship)
        named += [(each, owner) for place in (5, 6) for each in kin.repetitions(place)]
    entries: dict[str, PhoneEntry] = {}
    for number, owner in named:
        entry = _phone(gathering, number, owner)
        if entry is not None:
            entries.setdefault(entry.number or entry.raw, entry)
    if not entries:
        gathering.remark("phone", "no_phone")
    emptied = (NO_NUMBER,) if pid.is_null(13) else ()
    return (*emptied, *entries.values())


def _phone(gathering: Gathering, number: Components, owner: Owner) -> PhoneEntry | None:
    if {number[2].upper(), number[3].upper()} & NO_PHONES or "@" in number[1]:
        return None
    parts = "".join(filter(None, (number[5] and f"+{number[5].lstrip('+')}", number[6], number[7])))
    raw = clean(number[1] or number[12] or (parts if number[7] else ""))[:200]
    if not any(map(str.isdigit, raw)):
        return None
    parsed = gathering.reading.phone(raw)
    if parsed.number is None:
        gathering.remark("phone", "impossible_phone", value=raw[:80])
    line = parsed.line_type
    if line is LineType.UNKNOWN and parsed.number is not None and number[3].upper() == MOBILE:
        line = LineType.MOBILE
    return PhoneEntry(raw, parsed.number, line, *owner)
