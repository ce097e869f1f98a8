"""The wording of messages, for whoever leads the nurses: versions, preview with lengths, publishing."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action, permitted, scope_of
from hcrm.accounts.guard import current_actor, picked_facility, requires
from hcrm.audit.service import record
from hcrm.messaging import queries, service
from hcrm.messaging.domain import LANGUAGES, Length, Remark, placeholders, preview_of
from hcrm.messaging.forms import PURPOSES
from hcrm.messaging.forms.wording import FLAWS, LANGUAGE_NAMES, TEXT_NAMES, WordingForm, wording_form
from hcrm.messaging.queries import Editing, PatientValues
from hcrm.messaging.routes.blueprint import blueprint
from hcrm.patients.domain import PatientHit
from hcrm.patients.queries import search
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now, settings

MOST_CANDIDATES = 8
"""Patients offered when what was typed may mean several; who gets more types more."""


@blueprint.get("/templates")
@requires(Action.EDIT_TEMPLATES)
def templates() -> ResponseReturnValue:
    """All texts with the length of each language."""
    with unit_of_work() as session:
        texts = sorted(queries.all_texts(session), key=lambda text: (list(PURPOSES).index(text.kind), text.code))
    rows = [
        (text, {language: _length(each.body, language) for language, each in text.in_force.items()}) for text in texts
    ]
    return render_template(
        "messaging/templates.html", rows=rows, names=TEXT_NAMES, purposes=PURPOSES, languages=LANGUAGE_NAMES
    )


def _length(body: str, language: str) -> Length:
    return preview_of(body, language).length


def _text(code: str) -> Editing:
    with unit_of_work() as session:
        found = queries.editing(session, code)
    if found is None:
        abort(404)
    return found


@blueprint.get("/templates/<code>")
@requires(Action.EDIT_TEMPLATES)
def template(code: str) -> ResponseReturnValue:
    """One text in all its languages: the draft, if there is one, else what is in force."""
    text = _text(code)
    form = _form(empty=True)
    for language, version in text.newest.items():
        form.body_in(language).data = version.body
        for provider in form.providers:
            form.number_at(language, provider).data = version.registrations.get(provider, "")
    return _page(text, form, [])


def _form(*, empty: bool = False) -> WordingForm:
    """The form with a number for each provider that is not simulated."""
    made = wording_form(settings().sms_providers - {"console"})
    return made(formdata=None) if empty else made()


@blueprint.post("/templates/<code>")
@requires(Action.EDIT_TEMPLATES)
def save_template(code: str) -> ResponseReturnValue:
    """Show a preview, keep a draft, or publish: then it is what the next message says."""
    text, form, wanted = _text(code), _form(), request.form.get("do", "preview")
    bodies = {language: form.body_in(language).data or "" for language in LANGUAGES}
    if not form.validate_on_submit():
        return _page(text, form, [], 422)
    if wanted == "preview":
        return _page(text, form, service.remarks_on_text(text, bodies))
    try:
        _save(text, bodies, form, publish=wanted == "publish")
    except service.NotPublishable as problem:
        return _page(text, form, problem.remarks, 422)
    flash(
        _("It is published: from now on messages say this.") if wanted == "publish" else _("The draft is kept."), "good"
    )
    return redirect(url_for("messaging.template", code=code))


def _save(text: Editing, bodies: dict[str, str], form: WordingForm, *, publish: bool) -> None:
    """Numbers of providers that are not in use now stay as they are."""
    numbers = {
        language: dict(text.newest[language].registrations if language in text.newest else {})
        | {provider: form.number_at(language, provider).data or "" for provider in form.providers}
        for language in LANGUAGES
    }
    with unit_of_work() as session:
        service.save_wording(
            session, text.code, bodies=bodies, publish=publish, sure=bool(form.sure.data), registrations=numbers,
            actor_user_id=current_actor().user_id, facility_id=picked_facility(), now=now(),
        )  # fmt: skip


def _page(text: Editing, form: WordingForm, remarks: list[Remark], code: int = 200) -> ResponseReturnValue:
    hits = _candidates(form.patient.data or "")
    patient = _patient(hits, form.chosen.data, text.code)
    known, called = (patient.known, patient.names) if patient else ({}, ())
    previews = {
        language: preview_of(form.body_in(language).data or "", language, known=known, names=called)
        for language in LANGUAGES
    }
    allowed = sorted({name for each in text.in_force.values() for name in placeholders(each.body)})
    return render_template(
        "messaging/template.html", text=text, form=form, remarks=remarks, flaws=FLAWS, previews=previews,
        names=TEXT_NAMES, languages=LANGUAGE_NAMES, allowed=allowed, hits=hits, patient=patient,
        may_choose=permitted(current_actor(), Action.VIEW_PATIENT),
    ), code  # fmt: skip


def _candidates(words: str) -> list[PatientHit]:
    """Patients whom the viewer may see and the words may mean."""
    if not words.strip():
        return []
    with unit_of_work() as session:
        return search(session, scope_of(current_actor(), Action.VIEW_PATIENT), words, MOST_CANDIDATES)


def _patient(hits: list[PatientHit], chosen: int | None, code: str) -> PatientValues | None:
    """What is known of the patient who is meant: the only one found, or the one that was chosen. It is audited."""
    meant = [hit.patient_id for hit in hits if len(hits) == 1 or hit.patient_id == chosen]
    if not meant:
        return None
    with unit_of_work() as session:
        patient = queries.patient_values(session, meant[0], code)
        record(
            session, now=now(), action="template.previewed", actor_user_id=current_actor().user_id,
            facility_id=patient.facility_id, object_kind="patient", object_id=patient.patient_id,
            patient_id=patient.patient_id,
        )  # fmt: skip
    return patient
