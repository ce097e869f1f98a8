"""The patient's page: who it is, how to reach them, what they agreed to, and everything that happened."""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import Form

from hcrm.accounts.domain import Action, permitted, scope_of
from hcrm.accounts.guard import current_actor, requires
from hcrm.organization.queries import facility
from hcrm.patients import forms, queries, service
from hcrm.patients.domain import ContactSnapshot, PatientSnapshot, number_as_dialled
from hcrm.patients.forms import labels
from hcrm.patients.routes import history
from hcrm.patients.routes.access import visible_patient
from hcrm.patients.routes.blueprint import blueprint
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now


@blueprint.get("/patients/<int:patient_id>")
@requires(Action.VIEW_PATIENT)
def patient(patient_id: int) -> ResponseReturnValue:
    """One person; a record that was merged leads to the one that stands for the person."""
    person = visible_patient(patient_id)
    if person.id != patient_id:
        return redirect(url_for("patients.patient", patient_id=person.id))
    return patient_page(person)


def patient_page(person: PatientSnapshot, **refused: Form) -> str:
    """The page, with forms that were refused standing open (by the name under which the template knows them)."""
    shown = request.args.get("show", "")
    with unit_of_work() as session:
        service.note_look(session, patient_id=person.id, now=now(), actor_user_id=current_actor().user_id)
        place = facility(session, person.facility_id)
        records = queries.records_of_persons(session, [person.id])
        numbers = queries.contacts(session, [person.id])[person.id]
        held = queries.consent_snapshots(session, [person.id])[person.id]
        merges = queries.merges(session, person.id)
    entries = history.open_to(scope_of(current_actor(), Action.VIEW_PATIENT), history.entries_of(records))
    names = history.names_in(place.id, entries)
    kinds = history.FILTERS.get(shown)
    days = history.by_day([each for each in entries if kinds is None or each.kind in kinds], names, place, now())
    return render_template(
        "patients/patient.html",
        patient=person,
        zone=place.zone,
        age=person.age_on(now().astimezone(place.zone).date()),
        days=days,
        shown=shown if kinds is not None else "",
        numbers=[(each, _dialled(each, place.country)) for each in numbers],
        merges=merges,
        records=len(records),
        labels=labels,
        sensitive=any(map(history.is_sensitive, entries)),
        **_rights(person),
        **_forms(person, held, refused),
    )


def _rights(person: PatientSnapshot) -> dict[str, bool]:
    actor = current_actor()
    return {
        "may_edit": permitted(actor, Action.EDIT_PATIENT, person.facility_id),
        "may_verify_death": permitted(actor, Action.VERIFY_DEATH, person.facility_id),
        "may_merge": permitted(actor, Action.MERGE_PATIENTS, person.facility_id),
        "may_open_calls": permitted(actor, Action.WORK_TASKS, person.facility_id),
        "may_open_alerts": permitted(actor, Action.VIEW_ALERTS, person.facility_id),
    }


def _dialled(contact: ContactSnapshot, country: str) -> str:
    return contact.raw if contact.number is None else number_as_dialled(contact.number, country)


def _forms(person: PatientSnapshot, held: Any, refused: dict[str, Form]) -> dict[str, Any]:
    flags = {flag.value: True for flag in person.flags}
    fresh = {
        "contact_form": forms.ContactForm(formdata=None, data={"owner_kind": "patient"}),
        "retire_form": forms.RetireForm(formdata=None),
        "consent_form": forms.ConsentForm.showing(held),
        "language_form": forms.LanguageForm(formdata=None, data={"language": person.language.value}),
        "flags_form": forms.FlagsForm(formdata=None, data=flags),
    }
    return {**fresh, **refused, "held": held, "refused": frozenset(refused)}
