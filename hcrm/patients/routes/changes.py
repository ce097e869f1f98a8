"""What is changed on the patient's page: numbers, consent, language, flags, news of a death."""

from __future__ import annotations

from datetime import date

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, requires
from hcrm.organization.queries import facility
from hcrm.patients import forms, queries, service
from hcrm.patients.domain import (
    ImpossibleNumber,
    Language,
    OwnerKind,
    PatientSnapshot,
    PhoneEntry,
    RetiredReason,
    read_number,
)
from hcrm.patients.routes.access import own_contact, visible_patient
from hcrm.patients.routes.blueprint import blueprint
from hcrm.patients.routes.page import patient_page
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now


@blueprint.post("/patients/<int:patient_id>/numbers")
@requires(Action.EDIT_PATIENT)
def add_number(patient_id: int) -> ResponseReturnValue:
    """A number that the patient or a relative gave."""
    person = visible_patient(patient_id, Action.EDIT_PATIENT)
    form = forms.ContactForm()
    if not form.validate_on_submit():
        return patient_page(person, contact_form=form)
    try:
        _add_number(person, form)
    except ImpossibleNumber:
        form.number.errors = [forms.IMPOSSIBLE_NUMBER]
        return patient_page(person, contact_form=form)
    return _done(person, _("The number is saved. It is tried first from now on."))


def _add_number(person: PatientSnapshot, form: forms.ContactForm) -> None:
    with unit_of_work() as session:
        number, line_type = read_number(form.number.data, facility(session, person.facility_id).country)
        service.add_contact(
            session,
            patient_id=person.id,
            entry=PhoneEntry(
                form.number.data,
                number,
                line_type,
                OwnerKind(form.owner_kind.data),
                form.owner_name.data or "",
                form.relationship.data or "",
            ),
            may_discuss_health=form.may_discuss_health.data,
            verified_on=_today(person) if form.verified.data else None,
            now=now(),
            actor_user_id=current_actor().user_id,
        )


@blueprint.post("/patients/<int:patient_id>/numbers/<int:contact_id>")
@requires(Action.EDIT_PATIENT)
def change_number(patient_id: int, contact_id: int) -> ResponseReturnValue:
    """Whose number it is, and that it was checked."""
    person = visible_patient(patient_id, Action.EDIT_PATIENT)
    own_contact(person, contact_id)
    form = forms.OwnerForm()
    if not form.validate_on_submit():
        flash(forms.NAME_THE_OWNER, "high")
        return redirect(url_for("patients.patient", patient_id=person.id))
    with unit_of_work() as session:
        service.change_contact(
            session,
            contact_point_id=contact_id,
            owner_kind=OwnerKind(form.owner_kind.data),
            owner_name=form.owner_name.data or "",
            relationship=form.relationship.data or "",
            may_discuss_health=form.may_discuss_health.data,
            verified_on=_today(person) if form.verified.data else None,
            now=now(),
            actor_user_id=current_actor().user_id,
        )
    return _done(person, _("The number is corrected."))


@blueprint.post("/patients/<int:patient_id>/numbers/<int:contact_id>/retire")
@requires(Action.EDIT_PATIENT)
def retire_number(patient_id: int, contact_id: int) -> ResponseReturnValue:
    """Use a number no longer."""
    person = visible_patient(patient_id, Action.EDIT_PATIENT)
    own_contact(person, contact_id)
    form = forms.RetireForm()
    if form.validate_on_submit():
        with unit_of_work() as session:
            service.retire_contact(
                session,
                contact_point_id=contact_id,
                reason=RetiredReason(form.reason.data),
                now=now(),
                actor_user_id=current_actor().user_id,
            )
    return _done(person, _("The number is no longer used."))


@blueprint.post("/patients/<int:patient_id>/consent")
@requires(Action.EDIT_PATIENT)
def change_consent(patient_id: int) -> ResponseReturnValue:
    """What the patient says about being contacted; only what differs is recorded."""
    person = visible_patient(patient_id, Action.EDIT_PATIENT)
    form = forms.ConsentForm()
    if not form.validate_on_submit():
        return patient_page(person, consent_form=form)
    with unit_of_work() as session:
        for purpose, channel, given in form.changes(queries.consent_snapshots(session, [person.id])[person.id]):
            service.record_consent(
                session,
                patient_id=person.id,
                purpose=purpose,
                channel=channel,
                given=given,
                how=form.how.data,
                now=now(),
                actor_user_id=current_actor().user_id,
            )
    return _done(person, _("What the patient agreed to is saved."))


@blueprint.post("/patients/<int:patient_id>/language")
@requires(Action.EDIT_PATIENT)
def change_language(patient_id: int) -> ResponseReturnValue:
    """The language in which the patient is written and spoken to."""
    person = visible_patient(patient_id, Action.EDIT_PATIENT)
    form = forms.LanguageForm()
    if not form.validate_on_submit():
        return patient_page(person, language_form=form)
    with unit_of_work() as session:
        service.choose_language(
            session,
            patient_id=person.id,
            language=Language(form.language.data),
            now=now(),
            actor_user_id=current_actor().user_id,
        )
    return _done(person, _("The language is saved."))


@blueprint.post("/patients/<int:patient_id>/flags")
@requires(Action.EDIT_PATIENT)
def change_flags(patient_id: int) -> ResponseReturnValue:
    """What every caller sees first."""
    person = visible_patient(patient_id, Action.EDIT_PATIENT)
    form = forms.FlagsForm()
    if not form.validate_on_submit():
        return patient_page(person, flags_form=form)
    with unit_of_work() as session:
        service.set_flags(
            session, patient_id=person.id, flags=form.chosen, now=now(), actor_user_id=current_actor().user_id
        )
    return _done(person, _("The notes for callers are saved."))


@blueprint.post("/patients/<int:patient_id>/death")
@requires(Action.EDIT_PATIENT)
def report_death(patient_id: int) -> ResponseReturnValue:
    """Report a death; it waits until somebody who may do so has confirmed it."""
    person = visible_patient(patient_id, Action.EDIT_PATIENT)
    with unit_of_work() as session:
        service.report_deceased(
            session, patient_id=person.id, confirmed=False, now=now(), actor_user_id=current_actor().user_id
        )
    return _done(person, _("Everything planned for this patient has been stopped."))


@blueprint.post("/patients/<int:patient_id>/death/confirm")
@requires(Action.VERIFY_DEATH)
def confirm_death(patient_id: int) -> ResponseReturnValue:
    """The report is true."""
    person = visible_patient(patient_id, Action.VERIFY_DEATH)
    with unit_of_work() as session:
        service.report_deceased(
            session, patient_id=person.id, confirmed=True, now=now(), actor_user_id=current_actor().user_id
        )
    return _done(person, _("The death is confirmed. Nothing is sent and nobody calls."))


@blueprint.post("/patients/<int:patient_id>/death/withdraw")
@requires(Action.VERIFY_DEATH)
def withdraw_death(patient_id: int) -> ResponseReturnValue:
    """The report was wrong: the patient is alive."""
    person = visible_patient(patient_id, Action.VERIFY_DEATH)
    with unit_of_work() as session:
        service.withdraw_deceased(session, patient_id=person.id, now=now(), actor_user_id=current_actor().user_id)
    return _done(person, _("The report of death is taken back."))


def _today(person: PatientSnapshot) -> date:
    with unit_of_work() as session:
        zone = facility(session, person.facility_id).zone
    return now().astimezone(zone).date()


def _done(person: PatientSnapshot, said: str) -> ResponseReturnValue:
    flash(said, "good")
    return redirect(url_for("patients.patient", patient_id=person.id))
