"""Publishing sessions, closing days, the rules of return, and the clinicians' secret calendars."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.exceptions import NotFound

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.appointments import queries, service
from hcrm.appointments.domain.refusals import Refused
from hcrm.appointments.domain.search import ReturnRule
from hcrm.appointments.forms import CloseForm, FeedForm, RuleForm, SessionForm, refusal_words
from hcrm.appointments.routes.blueprint import blueprint
from hcrm.appointments.routes.names import Names, names_of, within
from hcrm.audit.service import record
from hcrm.unit_of_work import unit_of_work
from hcrm.web import WEEKDAYS, choices, now, settings


@blueprint.route("/sessions", methods=["GET", "POST"])
@requires(Action.EDIT_SESSIONS)
def sessions() -> ResponseReturnValue:
    """The published sessions, and a form for a new one."""
    names, departments = _own()
    form = _session_form(names, departments)
    problem = ""
    if form.validate_on_submit():
        try:
            _publish(names, form)
        except Refused as refused:
            problem = refusal_words(refused)
        else:
            flash(_("The session is published: its places can be booked."), "good")
            return redirect(url_for("appointments.sessions"))
    return _sessions_page(names, departments, form, problem), 422 if form.errors or problem else 200


def _own() -> tuple[Names, dict[int, str]]:
    actor = current_actor()
    scope = scope_of(actor, Action.EDIT_SESSIONS)
    with unit_of_work() as session:
        names = names_of(session, actor.facility_ids[0])
    return names, within(scope, names)


def _session_form(names: Names, departments: dict[int, str]) -> SessionForm:
    form = SessionForm()
    form.department.choices = choices((str(id_), name) for id_, name in departments.items())
    people = [("0", _("nobody in particular")), *((str(id_), name) for id_, name in names.clinicians.items())]
    form.clinician.choices = choices(people)
    return form


def _publish(names: Names, form: SessionForm) -> None:
    require_object(Action.EDIT_SESSIONS, names.facility.id, [form.department.data])
    actor = current_actor()
    with unit_of_work() as session:
        session_id = service.publish_session(
            session,
            facility_id=names.facility.id,
            department_id=form.department.data,
            clinician_id=form.clinician.data or None,
            room=form.room.data,
            rule=form.rule,
            now=now(),
            actor_user_id=actor.user_id,
        )
        record(
            session,
            now=now(),
            action="session.published",
            actor_user_id=actor.user_id,
            facility_id=names.facility.id,
            object_kind="clinic_session",
            object_id=session_id,
        )


def _sessions_page(names: Names, departments: dict[int, str], form: SessionForm, problem: str) -> str:
    scope = scope_of(current_actor(), Action.EDIT_SESSIONS)
    with unit_of_work() as session:
        published = queries.session_snapshots(session, scope)
        held = queries.going_on(session, [each.id for each in published], now())
        rules = queries.return_rules(session, names.facility.id)
        feeds = {id_: queries.feed_generation(session, id_) for id_ in {each.clinician_id for each in published} if id_}
    secret, base = settings().secret_key, settings().public_base_url.rstrip("/")
    addresses = {
        id_: f"{base}{url_for('visits.feed', token=service.feed_token(secret, id_, generation))}"
        for id_, generation in feeds.items()
        if generation is not None
    }
    return render_template(
        "appointments/sessions.html",
        names=names,
        departments=departments,
        published=published,
        held=[each for each in published if each.id in held],
        ended=[each for each in published if each.id not in held],
        form=form,
        problem=problem,
        rules={id_: rules.get(id_, ReturnRule()) for id_ in departments},
        rule_form=_rule_form(departments),
        feeds=addresses,
        feed_form=FeedForm(formdata=None),
        weekdays=dict(WEEKDAYS),
        today=now().astimezone(names.facility.zone).date(),
    )


def _rule_form(departments: dict[int, str], **data: Any) -> RuleForm:
    form = RuleForm(data=data)
    form.department.choices = choices((str(id_), name) for id_, name in departments.items())
    return form


@blueprint.post("/rules")
@requires(Action.EDIT_SESSIONS)
def return_rules() -> ResponseReturnValue:
    """When patients of a department should come back."""
    names, departments = _own()
    form = _rule_form(departments)
    if not form.validate_on_submit():
        flash(_("Enter both days as whole numbers."), "high")
        return redirect(url_for("appointments.sessions"))
    require_object(Action.EDIT_SESSIONS, names.facility.id, [form.department.data])
    try:
        with unit_of_work() as session:
            service.set_return_rule(
                session, facility_id=names.facility.id, department_id=form.department.data, rule=form.rule
            )
        flash(_("Saved."), "good")
    except Refused as refused:
        flash(refusal_words(refused), "high")
    return redirect(url_for("appointments.sessions"))


@blueprint.route("/sittings/<int:sitting_id>", methods=["GET", "POST"])
@requires(Action.EDIT_SESSIONS)
def close_sitting(sitting_id: int) -> ResponseReturnValue:
    """Close one day of a session: everybody in it is told."""
    with unit_of_work() as session:
        sitting = queries.sitting(session, sitting_id)
    if sitting is None:
        raise NotFound
    require_object(Action.EDIT_SESSIONS, sitting.facility_id, [sitting.department_id])
    form = CloseForm()
    if form.validate_on_submit():
        _close(sitting_id, sitting.facility_id, form.reason.data)
        on = request.form.get("on", "")
        return redirect(url_for("appointments.calendar", department=sitting.department_id, on=on))
    with unit_of_work() as session:
        names = names_of(session, sitting.facility_id)
    return render_template(
        "appointments/close.html", sitting=sitting, form=form, names=names, zone=names.facility.zone
    ), 422 if form.errors else 200


def _close(sitting_id: int, facility_id: int, reason: str) -> None:
    actor = current_actor()
    try:
        with unit_of_work() as session:
            told = service.close_sitting(
                session, sitting_id=sitting_id, reason=reason, now=now(), actor_user_id=actor.user_id
            )
            record(
                session,
                now=now(),
                action="session.closed_day",
                actor_user_id=actor.user_id,
                facility_id=facility_id,
                object_kind="sitting",
                object_id=sitting_id,
                details={"visits": told},
            )
    except Refused as refused:
        flash(refusal_words(refused), "high")
        return
    words = ngettext("%(num)s patient is told.", "%(num)s patients are told.", told)
    flash(_("The session is closed. %(told)s", told=words), "good")


@blueprint.post("/feeds/<int:clinician_id>")
@requires(Action.EDIT_SESSIONS)
def renew_feed(clinician_id: int) -> ResponseReturnValue:
    """A new secret address for a clinician's calendar; the old one stops working."""
    actor = current_actor()
    names, _departments = _own()
    with unit_of_work() as session:
        published = queries.session_snapshots(session, scope_of(actor, Action.EDIT_SESSIONS))
    if clinician_id not in {each.clinician_id for each in published}:
        raise NotFound
    if FeedForm().validate_on_submit():
        with unit_of_work() as session:
            service.renew_feed(
                session,
                facility_id=names.facility.id,
                clinician_id=clinician_id,
                secret=settings().secret_key,
                actor_user_id=actor.user_id,
                now=now(),
            )
            record(
                session,
                now=now(),
                action="feed.renewed",
                actor_user_id=actor.user_id,
                facility_id=names.facility.id,
                object_kind="clinician",
                object_id=clinician_id,
            )
        flash(_("The calendar has a new secret address."), "good")
    return redirect(url_for("appointments.sessions"))
