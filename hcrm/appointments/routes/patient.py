"""What needs no log-in: the patient's page of a visit, its calendar file, and the clinicians' secret calendars.

The address is the key; it holds a token and is good for this visit and its time. Before the birth date is given (the
end of the record number, where no birth date is on record) a page shows nothing but the hospital's name. What was
checked is carried in the addresses as a signed seal, without a cookie.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeTimedSerializer

from hcrm.accounts.domain import Scope
from hcrm.accounts.guard import public
from hcrm.appointments import queries, service
from hcrm.appointments.domain.ical import CalendarEvent, calendar_text
from hcrm.appointments.domain.refusals import Refused
from hcrm.appointments.domain.search import FreeSlot
from hcrm.appointments.domain.snapshots import AppointmentSnapshot
from hcrm.appointments.domain.states import AppointmentState, CancelReason, Via
from hcrm.appointments.forms import refusal_words
from hcrm.appointments.routes.names import Names, names_of, patient_names
from hcrm.appointments.service import Entry
from hcrm.extensions import csrf
from hcrm.ids import TOKEN_LENGTH
from hcrm.organization.domain import FacilitySnapshot
from hcrm.organization.queries import facility
from hcrm.patients.domain import PatientSnapshot, Proof
from hcrm.patients.queries import patient_snapshots
from hcrm.unit_of_work import unit_of_work
from hcrm.web import LANGUAGES, now, settings, use_language

blueprint = Blueprint("visits", __name__)
csrf.exempt(blueprint)  # each form carries the seal of its visit instead

_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH}}}")
_SALT = "visit-page"
SEAL_SECONDS = 1800
OPEN_AFTER = timedelta(hours=12)
"""The link works until so long after the visit."""

FEED_PAST, FEED_AHEAD = timedelta(days=30), timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a visit by whoever has the link."""

    token: str
    visit: AppointmentSnapshot
    patient: PatientSnapshot
    facility: FacilitySnapshot
    language: str
    locked: bool
    seal: str = ""

    def url(self, endpoint: str = "page", **more: Any) -> str:
        chosen = self.language if self.language != self.patient.language.value else None
        return url_for(f"visits.{endpoint}", token=self.token, **{"k": self.seal or None, "l": chosen, **more})

    @property
    def over(self) -> bool:
        at = self.visit.ends_at
        return at is not None and at + OPEN_AFTER <= now()

    @property
    def checked(self) -> bool:
        return bool(self.seal)


@blueprint.after_request
def _keep_private(response: Response) -> Response:
    """The address is the key: no search engine, cache or other site gets to know it."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


def _look(token: str) -> Look:
    with unit_of_work() as session:
        found = queries.appointment_by_token(session, token) if _TOKEN.fullmatch(token) else None
        if found is None:
            abort(make_response(render_template("appointments/unknown.html", hospital_name=""), 404))
        visit, locked_until = found
        patient = patient_snapshots(session, [visit.patient_id])[visit.patient_id]
        hospital = facility(session, visit.facility_id)
    wanted = request.values.get("l", "")
    language = wanted if wanted in LANGUAGES else patient.language.value
    use_language(language)
    locked = locked_until is not None and locked_until > now()
    return Look(token, visit, patient, hospital, language, locked, _seal_of(visit))


def _seal_of(visit: AppointmentSnapshot) -> str:
    """The seal in the address or the form, if it is whole, fresh and of this visit."""
    text = request.values.get("k", "")
    try:
        known = _serializer().loads(text, max_age=SEAL_SECONDS) if text else None
    except BadData:
        return ""
    return text if known == visit.id else ""


def _serializer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(settings().secret_key, salt=_SALT)


def _show(look: Look, template: str, status: int = 200, **more: Any) -> ResponseReturnValue:
    endpoint = {code: look.url(l=code) for code in LANGUAGES}
    return render_template(
        f"appointments/{template}.html",
        look=look,
        visit=look.visit,
        facility=look.facility,
        hospital_name=look.facility.name_in(look.language),
        language=look.language,
        other_language_urls=endpoint,
        zone=look.facility.zone,
        **more,
    ), status


@blueprint.get("/a/<token>")
@public
def page(token: str) -> ResponseReturnValue:
    """The visit, once the birth date was given."""
    look = _look(token)
    if look.over or look.visit.state is AppointmentState.CANCELLED:
        return _show(look, "ended", 410)
    if not look.checked:
        return _show(look, "birth_date", problem="")
    return _visit_page(look)


@blueprint.post("/a/<token>")
@public
def answer(token: str) -> ResponseReturnValue:
    """The birth date, or what the patient wants done."""
    look = _look(token)
    if look.over or look.visit.state is AppointmentState.CANCELLED:
        return _show(look, "ended", 410)
    if not look.checked:
        return _check(look)
    problem = _do(look, request.form.get("do", ""))
    if problem:
        return _visit_page(look, problem)
    return redirect(look.url(n=request.form.get("do", "")), 303)


def _check(look: Look) -> ResponseReturnValue:
    """Let in who knows the patient: five wrong answers lock the link for an hour, fifteen for good."""
    with unit_of_work() as session:
        entry = service.enter(session, appointment_id=look.visit.id, given=_given(), now=now())
    if entry is Entry.OPEN:
        return redirect(look.url(k=_serializer().dumps(look.visit.id)), 303)
    return _show(look, "birth_date", 422 if entry is Entry.WRONG else 429, problem=entry.value)


def _given() -> Proof:
    try:
        day = date(*(int(request.form.get(name, "").strip()) for name in ("year", "month", "day")))
    except ValueError:
        day = None
    return Proof(day, request.form.get("record", "")[:40])


def _do(look: Look, what: str) -> str:
    """Do what the patient wants; a sentence where it cannot be done."""
    about: dict[str, Any] = {"appointment_id": look.visit.id, "via": Via.LINK, "now": now()}
    try:
        with unit_of_work() as session:
            if what == "confirm":
                service.confirm(session, **about)
            elif what == "move":
                service.move_appointment(session, slot_id=request.form.get("slot", 0, type=int), **about)
            elif what == "cancel" and look.visit.state is AppointmentState.PROPOSED:
                service.decline(session, **about)
            elif what == "cancel":
                service.cancel(session, reason=CancelReason.PATIENT, **about)
    except Refused as refused:
        return refusal_words(refused)
    return ""


def _visit_page(look: Look, problem: str = "") -> ResponseReturnValue:
    with unit_of_work() as session:
        names = names_of(session, look.visit.facility_id)
        slots = _others(session, look)
    return _show(
        look,
        "own_visit",
        422 if problem else 200,
        names=names,
        slots=slots,
        problem=problem,
        notice=request.args.get("n", ""),
        moving="move" in request.args,
    )


def _others(session: Any, look: Look) -> list[FreeSlot]:
    """Other times that the patient may choose: the same clinician's first."""
    visit = look.visit
    if "move" not in request.args or visit.starts_at is None:
        return []
    for clinician_id in dict.fromkeys((visit.clinician_id, None)):
        slots = queries.free_slots(
            session,
            department_id=visit.department_id,
            clinician_id=clinician_id,
            starts_from=now() + timedelta(hours=2),
            starts_until=now() + timedelta(days=60),
            limit=8,
        )
        if slots:
            return slots
    return []


@blueprint.get("/a/<token>/visit.ics")
@public
def calendar_file(token: str) -> ResponseReturnValue:
    """The visit for the calendar of the patient's phone; it names the hospital and the place alone."""
    look = _look(token)
    if look.over or not look.checked or look.visit.starts_at is None:
        return redirect(look.url(), 303)
    name = _("Appointment, %(hospital)s", hospital=look.facility.name_in(look.language))
    return _ics(calendar_text([_event(look.visit, look.facility, name)], name=name), "visit.ics")


def _event(visit: AppointmentSnapshot, hospital: FacilitySnapshot, summary: str) -> CalendarEvent:
    assert visit.starts_at is not None
    assert visit.ends_at is not None
    return CalendarEvent(
        uid=f"appointment-{visit.id}@{hospital.code}",
        sequence=max(visit.generation, 0),
        starts_at=visit.starts_at,
        ends_at=visit.ends_at,
        summary=summary,
        location=visit.room,
        changed_at=now(),
        cancelled=visit.state is AppointmentState.CANCELLED,
    )


def _ics(text: str, filename: str) -> Response:
    response = Response(text, mimetype="text/calendar")
    response.headers["Content-Disposition"] = f"attachment; filename={filename}"
    return response


@blueprint.get("/calendar-feed/<token>.ics")
@public
def feed(token: str) -> ResponseReturnValue:
    """The visits of one clinician for a calendar program: times, places and ends of record numbers, no names; of
    sensitive visits no number either, for whoever makes the address need not work for their department.
    """
    with unit_of_work() as session:
        found = queries.feed_by_token(session, token)
        if found is None:
            abort(404)
        facility_id, clinician_id = found
        names = names_of(session, facility_id)
        visits = queries.appointments_between(
            session,
            Scope({facility_id: None}),
            starts_from=now() - FEED_PAST,
            starts_until=now() + FEED_AHEAD,
            clinician_id=clinician_id,
        )
        people = patient_names(session, [each.patient_id for each in visits])
        closed = queries.sensitive_visits(session, [each.id for each in visits])
    records = {each.id: people[each.patient_id][1][-4:] for each in visits if each.id not in closed}
    return _ics(_feed_text(names, clinician_id, visits, records), "visits.ics")


def _feed_text(names: Names, clinician_id: int, visits: list[AppointmentSnapshot], records: Mapping[int, str]) -> str:
    """``records``: the ends of the record numbers by visit; a visit without one is told without."""
    events = [
        _event(each, names.facility, _("Visit, record …%(digits)s", digits=records.get(each.id, "")))
        for each in visits
        if each.starts_at is not None
    ]
    return calendar_text(events, name=names.clinician(clinician_id))
