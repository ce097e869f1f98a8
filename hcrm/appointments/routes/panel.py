"""The panel of return visits that other pages show: what is booked, and the next free times for this stay."""

from __future__ import annotations

from datetime import tzinfo
from typing import Any, cast

from flask import current_app, render_template
from markupsafe import Markup

from hcrm.accounts.domain import Action, permitted, scope_of
from hcrm.accounts.guard import current_actor
from hcrm.appointments import queries
from hcrm.appointments.domain.search import FreeSlot
from hcrm.appointments.forms import labels
from hcrm.appointments.routes.blueprint import blueprint
from hcrm.appointments.routes.names import names_of
from hcrm.patients.domain import EncounterSnapshot, EncounterStatus
from hcrm.patients.queries import encounters_of_persons, records_of_persons
from hcrm.unit_of_work import Runtime, unit_of_work
from hcrm.web import now

OFFERED = 3


def return_visit_panel(
    patient_id: int,
    facility_id: int,
    *,
    encounter_id: int | None = None,
    back: str = "",
) -> Markup:
    """The panel as part of a page, about one stay or the last one; empty for somebody who may not book.

    ``back`` is where the person goes on after booking.
    """
    if not permitted(current_actor(), Action.BOOK_APPOINTMENTS, facility_id):
        return Markup("")
    # A session of its own: the page may be made while the request's own transaction is open.
    runtime = cast("Runtime", current_app.extensions["hcrm"])
    with unit_of_work(runtime.sessions) as session:
        names = names_of(session, facility_id)
        every = queries.of_persons(session, records_of_persons(session, [patient_id]))
        visits = queries.open_to(session, scope_of(current_actor(), Action.VIEW_APPOINTMENTS), every)
        stay = _stay(session, patient_id, encounter_id)
        slots = _slots(session, stay, names.facility.zone)
    return Markup(  # noqa: S704 - a template of ours, which escapes what it shows
        render_template(
            "appointments/panel.html",
            visits=[each for each in visits if each.to_come or each.state.value == "waitlist"],
            slots=slots,
            names=names,
            labels=labels,
            zone=names.facility.zone,
            patient_id=patient_id,
            encounter_id=stay.id if stay else None,
            department_id=stay.department_id if stay else None,
            back=back,
        )
    )


def _stay(session: Any, patient_id: int, encounter_id: int | None) -> EncounterSnapshot | None:
    """The stay asked for; without one, the last that has ended."""
    stays = encounters_of_persons(session, [patient_id])
    if encounter_id is not None:
        return next((each for each in stays if each.id == encounter_id), None)
    ended = [each for each in stays if each.discharged_on is not None and each.status is EncounterStatus.FINISHED]
    return ended[-1] if ended else None


def _slots(session: Any, stay: EncounterSnapshot | None, zone: tzinfo) -> list[FreeSlot]:
    if stay is None or stay.department_id is None or stay.discharged_on is None:
        return []
    _window, slots = queries.free_for_discharge(
        session,
        department_id=stay.department_id,
        clinician_id=stay.clinician_id,
        discharged_on=stay.discharged_on,
        now=now(),
        zone=zone,
        limit=OFFERED,
    )
    return slots


blueprint.add_app_template_global(return_visit_panel)
