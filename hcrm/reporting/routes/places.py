"""Where the viewer looks and when: what the address says, as far as they may see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from flask import abort, request

from hcrm.accounts.domain import Action, permitted, scope_of
from hcrm.accounts.guard import current_actor, require_object
from hcrm.organization.domain import DepartmentSnapshot, FacilitySnapshot
from hcrm.organization.queries import departments, facilities
from hcrm.reporting import forms
from hcrm.reporting.domain.definitions import DEFINITIONS
from hcrm.reporting.domain.periods import Period, last_30_days, month, offered
from hcrm.reporting.domain.reports import FOLLOWUP_GROUPINGS, IMPERSONAL_GROUPINGS, By, Selection
from hcrm.reporting.forms import words
from hcrm.reporting.queries.marks import Lag, allow_lag
from hcrm.reporting.queries.newest import has_records, newest_day
from hcrm.web import language, now


@dataclass(frozen=True, slots=True)
class Place:
    """Where the viewer looks: one facility, all of what they may see of it or one department.

    ``lag`` is there for pages that may tell figures of some minutes ago.
    """

    facility: FacilitySnapshot
    facilities: tuple[FacilitySnapshot, ...]
    departments: Mapping[int, DepartmentSnapshot]
    department: DepartmentSnapshot | None
    selection: Selection
    lag: Lag | None = None

    @property
    def today(self) -> date:
        return now().astimezone(self.facility.zone).date()

    def within(self, period: Period) -> Selection:
        """The same place in a period."""
        return Selection(period.from_on, period.to_on, self.selection.scope, self.selection.department_id)


def followup_groupings() -> tuple[By, ...]:
    """What the viewer may group follow-up by: by member of staff only who reviews their work."""
    return FOLLOWUP_GROUPINGS if permitted(current_actor(), Action.REVIEW_STAFF) else IMPERSONAL_GROUPINGS


def place_of(session: Any, action: Action, *, may_lag: bool = False) -> Place:
    """The place that the address names, if the viewer may see it; without one their first facility, all of theirs.

    A page that ``may_lag`` tells figures of some minutes ago while more comes in than can be counted for each page, and
    says of when they are (``_opened_on.html``).
    """
    asked = forms.asked(request.args, now().date())
    scope = scope_of(current_actor(), action).departments
    mine = tuple(each for each in facilities(session) if each.id in scope)
    facility_id = asked.facility_id or mine[0].id
    require_object(action, facility_id, None if asked.department_id is None else [asked.department_id])
    allowed = scope[facility_id]
    known = {key: each for key, each in departments(session, facility_id).items() if allowed is None or key in allowed}
    if asked.department_id is not None and asked.department_id not in known:
        abort(404)
    return Place(
        facility=next(each for each in mine if each.id == facility_id),
        facilities=mine,
        departments=known,
        department=known[asked.department_id] if asked.department_id else None,
        selection=Selection(scope={facility_id: allowed}, department_id=asked.department_id),
        lag=allow_lag(session, now()) if may_lag else None,
    )


def period_of(session: Any, place: Place, usual: Callable[[date], Period] = last_30_days) -> Period:
    """The period that the address names; without one the ``usual`` one, or the newest month with records."""
    asked = forms.asked(request.args, place.today).period
    return asked or _with_records(session, place, usual(place.today))


def _with_records(session: Any, place: Place, usual: Period) -> Period:
    selection = place.within(usual)
    if has_records(session, selection):
        return usual
    newest = newest_day(session, selection, place.today)
    return usual if newest is None else month(newest.year, newest.month)


def _unused(period: Period, place: Place, usual: Callable[[date], Period]) -> Period | None:
    """The period that a page would have opened on if it had records; None where it did, or was asked for another."""
    expected = usual(place.today)
    return expected if forms.asked(request.args, place.today).period is None and period != expected else None


def shared(place: Place, period: Period, usual: Callable[[date], Period] = last_30_days) -> dict[str, Any]:
    """What all templates of this package use; ``here`` are the arguments that keep place and period in an address.

    ``usual`` is the period that the page opens on where there are records.
    """
    here: dict[str, Any] = {"period": period.code}
    if place.department:
        here["department"] = place.department.id
    if len(place.facilities) > 1:
        here["facility"] = place.facility.id
    return {
        "place": place,
        "as_of": place.lag.as_of if place.lag and place.lag.used else None,
        "period": period,
        "unused": _unused(period, place, usual),
        "periods": offered(place.today),
        "here": here,
        "now": now(),
        "zone": place.facility.zone,
        "labels": forms,
        "words": words,
        "in_words": language(),
        "definitions": DEFINITIONS,
        "may_open": permitted(current_actor(), Action.VIEW_FIGURE_PATIENTS, place.facility.id),
    }
