"""Booking a return visit for a patient, in seconds: the best free times first, each one press away."""

from __future__ import annotations

from datetime import date, time, timedelta
from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.appointments import queries, service
from hcrm.appointments.domain.refusals import Refusal, Refused
from hcrm.appointments.domain.search import FreeSlot
from hcrm.appointments.domain.snapshots import AppointmentSnapshot
from hcrm.appointments.domain.states import Via
from hcrm.appointments.forms import BookForm, WaitForm, labels, refusal_words
from hcrm.appointments.routes.access import bookable_patient
from hcrm.appointments.routes.blueprint import blueprint
from hcrm.appointments.routes.names import Names, names_of
from hcrm.audit.service import record
from hcrm.clock import local_moment
from hcrm.patients import queries as patients
from hcrm.patients.domain import EncounterSnapshot, PatientSnapshot
from hcrm.unit_of_work import unit_of_work
from hcrm.web import is_safe_address, local_datetime, now

SHOWN = 30
LARGEST_ID = 2**62


@blueprint.get("/book")
@requires(Action.BOOK_APPOINTMENTS)
def book() -> ResponseReturnValue:
    """Free times for a patient: by the rule of the discharge, or where and when somebody looks."""
    patient, stay = _for_whom(request.args.get("patient", 0, type=int), request.args.get("encounter", type=int))
    moving = request.args.get("moving", type=int)
    with unit_of_work() as session:
        names = names_of(session, patient.facility_id)
        department = request.args.get("department", type=int) or (stay.department_id if stay else None)
        if department is None or department not in names.departments:
            department = next(iter(names.departments), 0)
        clinician = request.args.get("clinician", type=int)
        clinician = clinician if clinician in names.clinicians else None
        slots = _free(session, names, department, clinician, stay)
        visits = [each for each in _known(session, patient.id) if each.to_come]
        record(
            session,
            now=now(),
            action="patient.viewed",
            actor_user_id=current_actor().user_id,
            facility_id=patient.facility_id,
            object_kind="patient",
            object_id=patient.id,
            patient_id=patient.id,
        )
    return render_template(
        "appointments/book.html",
        patient=patient,
        stay=stay,
        names=names,
        department=department,
        clinician=clinician or 0,
        from_day=request.args.get("from", ""),
        slots=slots,
        visits=visits,
        moving=moving,
        labels=labels,
        zone=names.facility.zone,
        wait_form=WaitForm(formdata=None),
        back=_back(request.args.get("back", "")),
    )


def _known(session: Any, patient_id: int) -> list[AppointmentSnapshot]:
    """The visits of a patient that the person may know of."""
    every = queries.of_persons(session, patients.records_of_persons(session, [patient_id]))
    return queries.open_to(session, scope_of(current_actor(), Action.VIEW_APPOINTMENTS), every)


def _words(refused: Refused, patient_id: int) -> str:
    """Why it was refused; a visit in the way that the person may not know of is not named."""
    if refused.reason is Refusal.ELSEWHERE and refused.clash is not None:
        with unit_of_work() as session:
            known = {each.starts_at for each in _known(session, patient_id)}
        if refused.clash.starts_at not in known:
            return refusal_words(Refused(refused.reason))
    return refusal_words(refused)


def _for_whom(patient_id: int, encounter_id: int | None) -> tuple[PatientSnapshot, EncounterSnapshot | None]:
    if not 0 < patient_id < LARGEST_ID or (encounter_id or 0) >= LARGEST_ID:
        raise NotFound
    patient = bookable_patient(patient_id, encounter_id)
    require_object(Action.BOOK_APPOINTMENTS, patient.facility_id)
    with unit_of_work() as session:
        stays = patients.encounter_snapshots(session, [encounter_id]) if encounter_id else []
    return patient, stays[0] if stays else None


def _free(
    session: Any, names: Names, department: int, clinician: int | None, stay: EncounterSnapshot | None
) -> list[FreeSlot]:
    zone = names.facility.zone
    asked = _date(request.args.get("from", ""))
    if asked is None and clinician is None and stay is not None and stay.discharged_on is not None:
        _window, slots = queries.free_for_discharge(
            session,
            department_id=department,
            clinician_id=stay.clinician_id,
            discharged_on=stay.discharged_on,
            now=now(),
            zone=zone,
            limit=12,
        )
        return slots
    starts_from = now() if asked is None else max(now(), local_moment(asked, time.min, zone))
    return queries.free_slots(
        session,
        department_id=department,
        clinician_id=clinician or None,
        starts_from=starts_from,
        starts_until=starts_from + timedelta(days=366),
        limit=SHOWN,
    )


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2100 else None


def _back(address: str) -> str:
    return address if is_safe_address(address) else ""


@blueprint.post("/book")
@requires(Action.BOOK_APPOINTMENTS)
def take_place() -> ResponseReturnValue:
    """Book one free place, or say what is free next."""
    form = BookForm()
    if not form.validate_on_submit():
        flash(_("Choose a time."), "high")
        return redirect(url_for("appointments.calendar"))
    patient, stay = _for_whom(form.patient.data, form.encounter.data)
    back = _back(form.back.data or "")
    again = url_for("appointments.book", patient=patient.id, encounter=form.encounter.data, back=back or None)
    try:
        _book(patient, stay, form.slot.data)
    except Refused as refused:
        flash(f"{_words(refused, patient.id)} {_next_words(form.slot.data)}".strip(), "high")
        return redirect(back or again)
    return redirect(back or url_for("patients.patient", patient_id=patient.id))


def _book(patient: PatientSnapshot, stay: EncounterSnapshot | None, slot_id: int) -> None:
    actor = current_actor()
    with unit_of_work() as session:
        visit_id = service.book(
            session,
            patient_id=patient.id,
            slot_id=slot_id,
            via=Via.STAFF,
            now=now(),
            actor_user_id=actor.user_id,
            encounter_id=stay.id if stay else None,
        )
        record(
            session,
            now=now(),
            action="appointment.booked",
            actor_user_id=actor.user_id,
            facility_id=patient.facility_id,
            object_kind="appointment",
            object_id=visit_id,
            patient_id=patient.id,
        )
        visit = queries.appointment(session, visit_id)
        zone = names_of(session, patient.facility_id).facility.zone
    assert visit is not None
    flash(_("Booked: %(when)s, %(place)s.", when=local_datetime(visit.starts_at, zone), place=visit.room), "good")


def _next_words(slot_id: int) -> str:
    """What is free next, for the one whose choice was just taken."""
    with unit_of_work() as session:
        slots = service.next_free_instead(session, slot_id=slot_id, now=now())
    if not slots:
        return ""
    words: str = _("Free next: %(times)s.", times=_(", ").join(local_datetime(each.starts_at) for each in slots))
    return words


@blueprint.post("/wait")
@requires(Action.BOOK_APPOINTMENTS)
def wait() -> ResponseReturnValue:
    """Put a patient on the waiting list of a department."""
    form = WaitForm()
    if not form.validate_on_submit():
        flash(_("Give both days on which the patient could come."), "high")
        return redirect(_back(form.back.data or "") or url_for("appointments.calendar"))
    patient, stay = _for_whom(form.patient.data, form.encounter.data)
    try:
        _wait(patient, stay, form)
    except Refused as refused:
        flash(refusal_words(refused), "high")
    return redirect(_back(form.back.data or "") or url_for("patients.patient", patient_id=patient.id))


def _wait(patient: PatientSnapshot, stay: EncounterSnapshot | None, form: WaitForm) -> None:
    actor = current_actor()
    with unit_of_work() as session:
        zone = names_of(session, patient.facility_id).facility.zone
        service.wait(
            session,
            patient_id=patient.id,
            facility_id=patient.facility_id,
            department_id=form.department.data,
            clinician_id=form.clinician.data or None,
            starts_from=local_moment(form.first_on.data, time.min, zone),
            starts_until=local_moment(form.last_on.data + timedelta(days=1), time.min, zone),
            via=Via.STAFF,
            now=now(),
            actor_user_id=actor.user_id,
            encounter_id=stay.id if stay else None,
        )
        record(
            session,
            now=now(),
            action="appointment.waits",
            actor_user_id=actor.user_id,
            facility_id=patient.facility_id,
            object_kind="patient",
            object_id=patient.id,
            patient_id=patient.id,
        )
    flash(_("The patient is on the waiting list and gets a text when a place becomes free."), "good")
