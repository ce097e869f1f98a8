"""Contacts that did not come from the list, and the way from the hospital's own system to a patient's call."""

from __future__ import annotations

import secrets
from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import audit_denial, current_actor, require_object, requires
from hcrm.audit.service import record
from hcrm.followup import service
from hcrm.followup.domain.attempts import AttemptInvalid
from hcrm.followup.domain.links import LinkInvalid, check_link, link_key, signature
from hcrm.followup.forms import labels, words
from hcrm.followup.forms.contact import ContactForm, contact_form
from hcrm.followup.queries import StayToCall, open_calls_of, stay_by_visit, stay_of_patient, step_names
from hcrm.followup.routes.blueprint import blueprint
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now, settings

LINK_SECONDS = 600
"""For how long the example of a link is good."""


@blueprint.route("/patients/<int:patient_id>/contact", methods=["GET", "POST"])
@requires(Action.WORK_TASKS)
def log_contact(patient_id: int) -> ResponseReturnValue:
    """Note a contact that was not made from the list; it takes one look and one click when all is well."""
    with unit_of_work() as session:
        stay = stay_of_patient(session, patient_id)
    return _contact(stay)


def _contact(stay: StayToCall | None) -> ResponseReturnValue:
    if stay is None:
        abort(404)
    require_object(Action.WORK_TASKS, stay.stay.facility_id, stay.department_ids)
    form = _form(stay)
    if form.is_submitted() and _is_noted(form.key.data or ""):
        return redirect(url_for("patients.patient", patient_id=stay.stay.patient_id))
    if not form.validate_on_submit():
        return _page(stay, form)
    try:
        with unit_of_work() as session:
            found = service.log_contact(
                session, stay=stay.stay, entry=form.entry(g.hcrm_facility.zone), actor=current_actor(), now=now()
            )
    except AttemptInvalid as problem:
        return _page(stay, form, words.problem_words(problem.code)), 422
    except (service.TaskHeld, service.UnknownTask):
        return _page(
            stay, form, _("Somebody else has this task open. Choose “No task”, or wait until it is free.")
        ), 422
    flash(_("Noted.") + (" " + _("An alert is open.") if found.alert_ids else ""), "good")
    return redirect(url_for("patients.patient", patient_id=stay.stay.patient_id))


def _is_noted(key: str) -> bool:
    """The same form was sent before: a second click notes nothing twice."""
    with unit_of_work() as session:
        return service.is_noted(session, key)


def _form(stay: StayToCall) -> ContactForm:
    with unit_of_work() as session:
        names = step_names(session, stay.stay.facility_id)
        tasks = [
            (each.id, words.step_label(each, names)) for each in open_calls_of(session, stay, current_actor(), now())
        ]
    key = f"contact:{stay.stay.patient_id}:{secrets.token_hex(8)}"
    return contact_form(tasks, key=key, now=now(), zone=g.hcrm_facility.zone)


def _page(stay: StayToCall, form: ContactForm, problem: str = "") -> str:
    with unit_of_work() as session:
        _note_look(session, stay)
    return render_template("followup/contact.html", stay=stay, form=form, problem=problem, labels=labels, words=words)


def _note_look(session: Any, stay: StayToCall) -> None:
    record(
        session,
        now=now(),
        action="patient.viewed",
        actor_user_id=current_actor().user_id,
        facility_id=stay.stay.facility_id,
        object_kind="patient",
        object_id=stay.stay.patient_id,
        patient_id=stay.stay.patient_id,
    )


@blueprint.get("/visit")
@requires(Action.WORK_TASKS)
def from_visit() -> ResponseReturnValue:
    """From the hospital's own system to the call of a visit, or, with ``log``, to noting a call made elsewhere."""
    try:
        stay = _stay_in_link()
    except LinkInvalid as problem:
        audit_denial(Action.WORK_TASKS.value, facility_id=g.hcrm_facility.id)
        return render_template("followup/link_problem.html", code=problem.code), 400
    if stay is None:
        abort(404)
    require_object(Action.WORK_TASKS, stay.stay.facility_id, stay.department_ids)
    with unit_of_work() as session:
        calls = [each.id for each in open_calls_of(session, stay, current_actor(), now())]
    if calls and "log" not in request.args:
        return redirect(url_for("followup.call", task_id=calls[0]))
    return redirect(url_for("followup.log_contact", patient_id=stay.stay.patient_id))


def _stay_in_link() -> StayToCall | None:
    """The stay that a signed link names. Raises ``LinkInvalid``."""
    code, visit, until = (request.args.get(name, "") for name in ("facility", "visit", "until"))
    if not (until.isascii() and until.isdigit() and len(until) <= 12):
        raise LinkInvalid("not_signed")
    key = link_key(settings().secret_key, code)
    check_link(key, code, visit, int(until), request.args.get("sig", ""), now())
    with unit_of_work() as session:
        return stay_by_visit(session, code, visit)


@blueprint.get("/visit-links")
@requires(Action.ADMINISTER)
def visit_links() -> ResponseReturnValue:
    """How the hospital's own system makes such links: the key, the rule, an example."""
    code = g.hcrm_facility.code
    key, until = link_key(settings().secret_key, code), int(now().timestamp()) + LINK_SECONDS
    example = url_for(
        "followup.from_visit", facility=code, visit="V123", until=until, sig=signature(key, code, "V123", until)
    )
    with unit_of_work() as session:
        record(
            session,
            now=now(),
            action="visit_links.viewed",
            actor_user_id=current_actor().user_id,
            facility_id=g.hcrm_facility.id,
            object_kind="facility",
            object_id=g.hcrm_facility.id,
        )
    return render_template("followup/visit_links.html", key=key, example=example, code=code)
