"""The calendar of clinics: day, week, month, per department and clinician; the day list; the waiting list."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, requires
from hcrm.appointments import queries
from hcrm.appointments.domain.snapshots import AppointmentSnapshot, SittingSnapshot
from hcrm.appointments.forms import labels
from hcrm.appointments.routes.blueprint import blueprint
from hcrm.appointments.routes.names import Names, names_of, patient_names, within
from hcrm.audit.service import record
from hcrm.clock import local_moment
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now

VIEWS = ("day", "week", "month")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for: a view on days from ``first`` until before ``end``, narrowed or not."""

    view: str
    on: date
    first: date
    end: date
    department_id: int | None
    clinician_id: int | None

    def address(self, **changes: Any) -> dict[str, Any]:
        """The same in an address, with some of it changed."""
        return {
            "view": self.view,
            "on": self.on.isoformat(),
            "department": self.department_id,
            "clinician": self.clinician_id,
            **changes,
        }

    @property
    def earlier(self) -> date:
        return self.first - timedelta(days=1) if self.view == "month" else self.on - (self.end - self.first)

    @property
    def later(self) -> date:
        return self.end if self.view == "month" else self.on + (self.end - self.first)

    @property
    def days(self) -> list[date]:
        return [self.first + timedelta(days=number) for number in range((self.end - self.first).days)]


@dataclass(frozen=True, slots=True)
class Seat:
    """One sitting in the calendar with its visits."""

    sitting: SittingSnapshot
    visits: Sequence[AppointmentSnapshot]


def asked_for(names: Names, departments: dict[int, str]) -> Asked:
    """What the address asks for; what it cannot mean is left out."""
    today = now().astimezone(names.facility.zone).date()
    view = request.args.get("view", "week")
    view = view if view in VIEWS else "week"
    on = _day(request.args.get("on", ""), today)
    first, end = _span(view, on)
    department = request.args.get("department", type=int)
    clinician = request.args.get("clinician", type=int)
    return Asked(
        view,
        on,
        first,
        end,
        department if department in departments else None,
        clinician if clinician in names.clinicians else None,
    )


def _day(text: str, otherwise: date) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return otherwise
    return found if 2000 <= found.year < 2100 else otherwise


def _span(view: str, on: date) -> tuple[date, date]:
    if view == "day":
        return on, on + timedelta(days=1)
    if view == "week":
        first = on - timedelta(days=on.weekday())
        return first, first + timedelta(days=7)
    first = on.replace(day=1)
    return first, (first + timedelta(days=32)).replace(day=1)


@blueprint.get("")
@requires(Action.VIEW_APPOINTMENTS)
def calendar() -> ResponseReturnValue:
    """Sessions and visits of a day, a week or a month."""
    return _page("appointments/calendar.html")


@blueprint.get("/day-list")
@requires(Action.VIEW_APPOINTMENTS)
def day_list() -> ResponseReturnValue:
    """The visits of one day, for the wall or the desk."""
    return _page("appointments/day_list.html", view="day")


def _page(template: str, view: str | None = None) -> str:
    actor = current_actor()
    scope = scope_of(actor, Action.VIEW_APPOINTMENTS)
    with unit_of_work() as session:
        names = names_of(session, actor.facility_ids[0])
        departments = within(scope, names)
        asked = asked_for(names, departments)
        if view is not None:
            first, end = _span(view, asked.on)
            asked = Asked(view, asked.on, first, end, asked.department_id, asked.clinician_id)
        starts_from, starts_until = (
            local_moment(day, time(0), names.facility.zone) for day in (asked.first, asked.end)
        )
        span: dict[str, Any] = {
            "starts_from": starts_from,
            "starts_until": starts_until,
            "department_id": asked.department_id,
            "clinician_id": asked.clinician_id,
        }
        sittings = queries.sittings_between(session, scope, **span)
        visits = queries.appointments_between(session, scope, **span)
        people = patient_names(session, [each.patient_id for each in visits]) if asked.view != "month" else {}
        record(
            session,
            now=now(),
            action="appointment.listed",
            actor_user_id=actor.user_id,
            facility_id=names.facility.id,
            object_kind="appointment",
            details={"view": asked.view, "count": len(visits)},
        )
    zone = names.facility.zone
    g_days, loose = _by_day(sittings, visits, zone)
    return render_template(
        template,
        asked=asked,
        names=names,
        departments=departments,
        days=g_days,
        loose=loose,
        people=people,
        labels=labels,
        zone=zone,
        today=now().astimezone(zone).date(),
        now=now(),
    )


def _by_day(
    sittings: Sequence[SittingSnapshot], visits: Sequence[AppointmentSnapshot], zone: Any
) -> tuple[dict[date, list[Seat]], dict[date, list[AppointmentSnapshot]]]:
    """Sittings with their visits by day, and visits without a sitting of ours (kept by another system)."""
    inside: dict[int, list[AppointmentSnapshot]] = defaultdict(list)
    loose: dict[date, list[AppointmentSnapshot]] = defaultdict(list)
    known = {each.id for each in sittings}
    for visit in visits:
        if visit.sitting_id in known and visit.sitting_id is not None:
            inside[visit.sitting_id].append(visit)
        elif visit.starts_at is not None:
            loose[_local_day(visit.starts_at, zone)].append(visit)
    days: dict[date, list[Seat]] = defaultdict(list)
    for sitting in (each for each in sittings if not each.replaced or inside[each.id]):
        days[_local_day(sitting.starts_at, zone)].append(Seat(sitting, inside[sitting.id]))
    return days, loose


def _local_day(at: datetime, zone: Any) -> date:
    return at.astimezone(zone).date()


@blueprint.get("/waiting")
@requires(Action.VIEW_APPOINTMENTS)
def waiting() -> ResponseReturnValue:
    """Who waits for a place, department by department, in the order in which places are offered."""
    actor = current_actor()
    scope = scope_of(actor, Action.VIEW_APPOINTMENTS)
    with unit_of_work() as session:
        names = names_of(session, actor.facility_ids[0])
        lists = {id_: queries.waiting_list(session, id_, now()) for id_ in within(scope, names)}
        people = patient_names(session, [visit.patient_id for rows in lists.values() for visit, _ in rows])
        record(
            session,
            now=now(),
            action="appointment.listed",
            actor_user_id=actor.user_id,
            facility_id=names.facility.id,
            object_kind="appointment",
            details={"view": "waiting", "count": sum(len(rows) for rows in lists.values())},
        )
    return render_template(
        "appointments/waiting.html", lists=lists, names=names, people=people, zone=names.facility.zone
    )
