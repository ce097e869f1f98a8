"""Facilities and departments as the pages of accounts name them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask_babel import gettext as _

from hcrm.accounts.domain import MembershipSnapshot, Role
from hcrm.accounts.queries import MembershipRow
from hcrm.organization.queries import departments, facility
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language


@dataclass(frozen=True, slots=True)
class Place:
    """Where a role is held: the names of the facility and of the department (or of all departments)."""

    membership_id: int
    role: Role
    facility: str
    department: str


def name_of(thing: object) -> str:
    """The name of a facility or department in the language of the page."""
    chinese = getattr(thing, "name_zh", "")
    return str(chinese if language() == "zh_Hans" and chinese else getattr(thing, "name", ""))


def places_of(memberships: Iterable[MembershipSnapshot | MembershipRow]) -> list[Place]:
    """The memberships with names instead of ids. In a transaction of its own."""
    places = []
    with unit_of_work() as session:
        for membership in memberships:
            wards = departments(session, membership.facility_id)
            ward = wards.get(membership.department_id) if membership.department_id is not None else None
            places.append(
                Place(
                    membership_id=getattr(membership, "id", 0),
                    role=membership.role,
                    facility=name_of(facility(session, membership.facility_id)),
                    department=name_of(ward) if ward else _("All departments"),
                )
            )
    return places


def place_choices(facility_ids: Iterable[int]) -> list[tuple[str, str]]:
    """Every facility as a whole and every department, as choices of a form: ``"3:"`` and ``"3:17"``."""
    ids = sorted(facility_ids)
    choices = []
    with unit_of_work() as session:
        for facility_id in ids:
            prefix = f"{name_of(facility(session, facility_id))}: " if len(ids) > 1 else ""
            choices.append((f"{facility_id}:", prefix + _("All departments")))
            wards = departments(session, facility_id).values()
            choices.extend((f"{facility_id}:{ward.id}", prefix + name_of(ward)) for ward in wards)
    return choices


def chosen_membership(place: str, role: str) -> MembershipSnapshot:
    """The membership that a form's choices stand for."""
    facility_id, _separator, department_id = place.partition(":")
    return MembershipSnapshot(int(facility_id), Role(role), int(department_id) if department_id else None)
