"""Puts a made-up hospital in place: the facility, its departments, and those who work there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.queries import user_id_of
from hcrm.accounts.service import create_user
from hcrm.organization.queries import departments, facility_by_code
from hcrm.organization.service import change_settings, confirm_department, ensure_departments, ensure_facility
from hcrm.simulation.catalogue import DEPARTMENTS
from hcrm.simulation.staff import (
    HOME_VISITS,
    SHIFTS,
    SURVEYS_BY_PHONE,
    SURVEYS_PER_AGENT,
    VISITS_PER_WORKER,
    Caller,
    Staff,
    size_of_team,
    team_sizes,
)
from hcrm.wiring import install_defaults

OFFICES = (Role.COMPLAINTS_OFFICER, Role.QUALITY_OFFICER)
"""Who sees to the alerts that are neither a nurse's nor a doctor's."""

SKILLS = (1.0, 0.85, 1.1, 0.95, 1.15)
"""How good the members of a team are, in turn."""


@dataclass(frozen=True, slots=True)
class Place:
    """A hospital that does not exist; its number lies in the range kept for drama.

    ``survey_invitation`` as in the hospital's settings.
    """

    code: str
    name: str
    name_zh: str
    zone: ZoneInfo
    country: str = "GB"
    phone: str = "01632 960100"
    our_number: str = "+441632960100"
    survey_invitation: str = "sms"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who works there; ``departments`` are codes, none for all. Without a password nobody logs in."""

    username: str
    name: str
    role: Role
    departments: tuple[str, ...] = ()
    language: str = "en"
    password: str | None = None


def ensure_place(session: Session, place: Place, now: datetime) -> tuple[int, dict[str, int]]:
    """The facility and its departments by code; what exists stays as it is."""
    known = facility_by_code(session, place.code)
    if known is not None:
        return known.id, {each.code: each.id for each in departments(session, known.id).values()}
    install_defaults(session, now)
    facility_id = ensure_facility(
        session,
        code=place.code,
        name=place.name,
        name_zh=place.name_zh,
        timezone=place.zone.key,
        country=place.country,
        phone=place.phone,
        now=now,
    )
    changes = {"our_number": place.our_number, "survey_invitation": place.survey_invitation}
    change_settings(session, facility_id=facility_id, changes=changes, actor_user_id=None, now=now)
    names = {each.code: each.name for each in DEPARTMENTS}
    ids = ensure_departments(session, facility_id=facility_id, names=names, now=now, needs_review=False)
    for each in DEPARTMENTS:
        confirm_department(
            session,
            department_id=ids[each.code],
            facility_id=facility_id,
            name=each.name,
            name_zh=each.name_zh,
            sensitive=each.sensitive,
            actor_user_id=None,
            now=now,
        )
    return facility_id, ids


def ensure_person(
    session: Session, person: Person, facility_id: int, department_ids: dict[str, int], now: datetime
) -> int:
    """The account of somebody who works there; its id. What exists stays as it is."""
    known = user_id_of(session, person.username)
    if known is not None:
        return known
    places: list[int | None] = [department_ids[code] for code in person.departments] or [None]
    return create_user(
        session,
        username=person.username,
        password=person.password,
        display_name=person.name,
        language=person.language,
        memberships=[MembershipSnapshot(facility_id, person.role, place) for place in places],
        now=now,
    )


def ensure_staff(
    session: Session, facility_id: int, department_ids: dict[str, int], per_day: int, now: datetime
) -> Staff:
    """As many nurses, agents and outreach workers as ``per_day`` discharges take; for each ward a head and doctors."""
    sizes = team_sizes(per_day, {each.code: each.share for each in DEPARTMENTS})
    wards = [
        _caller(session, Role.NURSE, code, number, facility_id, department_ids, now)
        for code, size in sizes.items()
        for number in range(size)
    ]
    for code in sizes:
        _caller(session, Role.DEPARTMENT_HEAD, code, 0, facility_id, department_ids, now)
    agents = size_of_team(per_day * SURVEYS_BY_PHONE, SURVEYS_PER_AGENT) + 1
    visitors = size_of_team(per_day * HOME_VISITS, VISITS_PER_WORKER)
    return Staff(
        wards=wards,
        service_centre=[
            _caller(session, Role.SERVICE_AGENT, "", number, facility_id, department_ids, now)
            for number in range(agents)
        ],
        outreach=[
            _caller(session, Role.OUTREACH_WORKER, "", number, facility_id, department_ids, now)
            for number in range(visitors)
        ],
        doctors=[
            _caller(session, Role.PHYSICIAN, code, number, facility_id, department_ids, now)
            for code in sizes
            for number in range(2)
        ],
        offices={role.value: [_caller(session, role, "", 0, facility_id, department_ids, now)] for role in OFFICES},
    )


def _caller(
    session: Session,
    role: Role,
    department: str,
    number: int,
    facility_id: int,
    department_ids: dict[str, int],
    now: datetime,
) -> Caller:
    team = f"{role.value.replace('_', '-')}{'-' + department.lower() if department else ''}"
    person = Person(
        f"{team}-{number + 1}",
        f"{role.value.replace('_', ' ').capitalize()} {department} {number + 1}".replace("  ", " "),
        role,
        (department,) if department else (),
    )
    user_id = ensure_person(session, person, facility_id, department_ids, now)
    return as_caller(user_id, number, [department_ids[department]] if department else [])


def as_caller(user_id: int, number: int, department_ids: Sequence[int] = ()) -> Caller:
    """The ``number``-th member of a team: shifts, skills and languages go round."""
    return Caller(
        user_id=user_id,
        skill=SKILLS[number % len(SKILLS)],
        shift=number % len(SHIFTS),
        departments=frozenset(department_ids),
        speaks_chinese=number % 2 == 1,
    )
