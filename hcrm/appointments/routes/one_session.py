"""One published session: changing it from a day on, closing some of its days, ending it."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.exceptions import NotFound

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.appointments import queries, service
from hcrm.appointments.domain.refusals import Refused
from hcrm.appointments.domain.snapshots import SessionSnapshot
from hcrm.appointments.forms import ChangeSessionForm, CloseDaysForm, refusal_words
from hcrm.appointments.routes.blueprint import blueprint
from hcrm.appointments.routes.names import Names, names_of
from hcrm.audit.service import record
from hcrm.unit_of_work import unit_of_work
from hcrm.web import WEEKDAYS, choices, now


@blueprint.get("/sessions/<int:session_id>")
@requires(Action.EDIT_SESSIONS)
def one_session(session_id: int) -> ResponseReturnValue:
    """What is published, with the forms that change or close it."""
    found, names = _own(session_id)
    return _page(found, names, _change_form(names, found), CloseDaysForm(formdata=None))


@blueprint.post("/sessions/<int:session_id>")
@requires(Action.EDIT_SESSIONS)
def change_session(session_id: int) -> ResponseReturnValue:
    """Change it from a day on; patients whose place goes are told and offered another one."""
    found, names = _own(session_id)
    form = _change_form(names)
    problem = ""
    if form.validate_on_submit():
        try:
            going_on = _change(found, form)
        except Refused as refused:
            problem = refusal_words(refused)
        else:
            return redirect(url_for("appointments.one_session", session_id=going_on))
    return _page(found, names, form, CloseDaysForm(formdata=None), problem), 422


@blueprint.post("/sessions/<int:session_id>/close")
@requires(Action.EDIT_SESSIONS)
def close_days(session_id: int) -> ResponseReturnValue:
    """Close some of its days, or end it; everybody in them is told."""
    found, names = _own(session_id)
    form = CloseDaysForm()
    problem = ""
    if form.validate_on_submit():
        try:
            _close(found, form)
        except Refused as refused:
            problem = refusal_words(refused)
        else:
            return redirect(url_for("appointments.sessions"))
    return _page(found, names, _change_form(names, found), form, problem), 422


def _own(session_id: int) -> tuple[SessionSnapshot, Names]:
    """The session, when it is one of the person's departments; 404 when there is none."""
    with unit_of_work() as session:
        found = queries.session_snapshot(session, session_id)
    if found is None:
        raise NotFound
    require_object(Action.EDIT_SESSIONS, found.facility_id, [found.department_id])
    with unit_of_work() as session:
        return found, names_of(session, found.facility_id)


def _change_form(names: Names, found: SessionSnapshot | None = None) -> ChangeSessionForm:
    """The form as it came, or filled with what is published."""
    form = ChangeSessionForm()
    if found is not None:
        tomorrow = now().astimezone(names.facility.zone).date() + timedelta(days=1)
        form = ChangeSessionForm(formdata=None, obj=found, from_on=max(found.first_on, tomorrow))
        form.clinician.data = found.clinician_id or 0
    people = [("0", _("nobody in particular")), *((str(id_), name) for id_, name in names.clinicians.items())]
    form.clinician.choices = choices(people)
    return form


def _page(
    found: SessionSnapshot, names: Names, form: ChangeSessionForm, close_form: CloseDaysForm, problem: str = ""
) -> str:
    with unit_of_work() as session:
        next_on, days, visits = queries.booked_after(session, found.id, now())
    return render_template(
        "appointments/session.html",
        each=found,
        names=names,
        form=form,
        close_form=close_form,
        problem=problem,
        next_on=next_on,
        days=days,
        visits=visits,
        weekdays=dict(WEEKDAYS),
    )


def _change(found: SessionSnapshot, form: ChangeSessionForm) -> int:
    """The session that goes on."""
    actor = current_actor()
    change = service.SessionChange(
        clinician_id=form.clinician.data or None,
        room=form.room.data,
        starts=form.starts.data,
        slot_minutes=form.slot_minutes.data,
        slots=form.slots.data,
        capacity=form.capacity.data,
    )
    with unit_of_work() as session:
        done = service.change_session(
            session,
            session_id=found.id,
            from_on=form.from_on.data,
            change=change,
            now=now(),
            actor_user_id=actor.user_id,
        )
        record(
            session,
            now=now(),
            action="session.changed",
            actor_user_id=actor.user_id,
            facility_id=found.facility_id,
            object_kind="clinic_session",
            object_id=done.session_id,
            details={"kept": done.kept, "told": done.told, "put_off": done.put_off},
        )
    kept = ngettext("%(num)s visit keeps its time.", "%(num)s visits keep their time.", done.kept)
    off = ngettext(
        "%(num)s patient is told and offered another.", "%(num)s patients are told and offered another.", done.put_off
    )
    flash(_("The session is changed. %(kept)s %(off)s", kept=kept, off=off), "good")
    return done.session_id


def _close(found: SessionSnapshot, form: CloseDaysForm) -> None:
    actor = current_actor()
    with unit_of_work() as session:
        done = service.close_days(
            session,
            session_id=found.id,
            from_on=form.close_from.data,
            until_on=form.close_until.data,
            reason=form.reason.data,
            now=now(),
            actor_user_id=actor.user_id,
        )
        record(
            session,
            now=now(),
            action="session.closed_days",
            actor_user_id=actor.user_id,
            facility_id=found.facility_id,
            object_kind="clinic_session",
            object_id=found.id,
            details={"days": done.days, "visits": done.visits},
        )
    days = ngettext("%(num)s day is closed.", "%(num)s days are closed.", done.days)
    told = ngettext("%(num)s patient is told.", "%(num)s patients are told.", done.visits)
    flash(_("%(days)s %(told)s", days=days, told=told), "good")
