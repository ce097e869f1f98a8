"""Merging two records that are one person: choose the other, compare side by side, confirm; and undo."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, requires
from hcrm.organization.queries import facility
from hcrm.patients import forms, queries, service
from hcrm.patients.domain import MergeNotInForce, PatientSnapshot, number_as_dialled
from hcrm.patients.forms import labels
from hcrm.patients.routes.access import visible_patient
from hcrm.patients.routes.blueprint import blueprint
from hcrm.patients.routes.finding import SHOWN, found
from hcrm.unit_of_work import unit_of_work
from hcrm.web import choices, now


@blueprint.route("/patients/<int:patient_id>/merge", methods=["GET", "POST"])
@requires(Action.MERGE_PATIENTS)
def choose_other(patient_id: int) -> ResponseReturnValue:
    """Find the other record of the same person."""
    person = visible_patient(patient_id, Action.MERGE_PATIENTS)
    form = forms.SearchForm()
    text = form.q.data or "" if form.validate_on_submit() else ""
    hits, names = found(text or person.full_name, Action.MERGE_PATIENTS)
    others = [hit for hit in hits if hit.patient_id != person.id and hit.facility_id == person.facility_id]
    return render_template(
        "patients/choose_other.html",
        patient=person,
        form=form,
        asked_for=text,
        hits=others[:SHOWN],
        departments=names,
        sexes=labels.SEXES,
        today=now().date(),
    )


@blueprint.get("/patients/<int:patient_id>/merge/<int:other_id>")
@requires(Action.MERGE_PATIENTS)
def compare(patient_id: int, other_id: int) -> ResponseReturnValue:
    """Both records side by side."""
    return _compare_page(*_pair(patient_id, other_id), form=None)


@blueprint.post("/patients/<int:patient_id>/merge/<int:other_id>")
@requires(Action.MERGE_PATIENTS)
def merge(patient_id: int, other_id: int) -> ResponseReturnValue:
    """Make one person of both."""
    person, other = _pair(patient_id, other_id)
    form = _merge_form(person, other)
    if not form.validate_on_submit():
        return _compare_page(person, other, form=form)
    into = int(form.keep.data)
    with unit_of_work() as session:
        service.merge_patients(
            session,
            from_patient_id=other.id if into == person.id else person.id,
            into_patient_id=into,
            reason=form.reason.data,
            now=now(),
            actor_user_id=current_actor().user_id,
        )
    flash(_("The two records are one person now. You can undo this below."), "good")
    return redirect(url_for("patients.patient", patient_id=into))


def _pair(patient_id: int, other_id: int) -> tuple[PatientSnapshot, PatientSnapshot]:
    person = visible_patient(patient_id, Action.MERGE_PATIENTS)
    other = visible_patient(other_id, Action.MERGE_PATIENTS)
    if person.id == other.id or person.facility_id != other.facility_id:
        abort(404)
    return person, other


def _merge_form(person: PatientSnapshot, other: PatientSnapshot) -> forms.MergeForm:
    form = forms.MergeForm(data={"keep": str(person.id)})
    form.keep.choices = choices((str(each.id), f"{each.full_name}, {each.mrn}") for each in (person, other))
    return form


def _compare_page(person: PatientSnapshot, other: PatientSnapshot, *, form: forms.MergeForm | None) -> str:
    with unit_of_work() as session:
        for each in (person, other):
            service.note_look(session, patient_id=each.id, now=now(), actor_user_id=current_actor().user_id)
        numbers = queries.contacts(session, [person.id, other.id])
        stays = queries.encounters_of_persons(session, [person.id, other.id])
        place = facility(session, person.facility_id)
    return render_template(
        "patients/compare.html",
        pair=(person, other),
        numbers=numbers,
        dialled=lambda number: number_as_dialled(number, place.country),
        stays={each.id: [stay for stay in stays if stay.person_id == each.id] for each in (person, other)},
        form=form or _merge_form(person, other),
        labels=labels,
    )


@blueprint.post("/patients/<int:patient_id>/merges/<int:merge_id>/undo")
@requires(Action.MERGE_PATIENTS)
def undo_merge(patient_id: int, merge_id: int) -> ResponseReturnValue:
    """Take a merge back."""
    person = visible_patient(patient_id, Action.MERGE_PATIENTS)
    form = forms.UndoForm()
    with unit_of_work() as session:
        known = {each.id for each in queries.merges(session, person.id)}
        if merge_id not in known or not form.validate_on_submit():
            abort(404)
        try:
            service.unmerge_patients(session, merge_id=merge_id, now=now(), actor_user_id=current_actor().user_id)
        except MergeNotInForce:
            abort(404)
    flash(_("The merge is taken back. Both records stand for themselves again."), "good")
    return redirect(url_for("patients.patient", patient_id=person.id))
