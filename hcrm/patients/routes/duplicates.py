"""Persons who may be one: listed for a person to merge or to tell apart, and both with a way back."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.accounts.queries import user_names
from hcrm.audit.service import record
from hcrm.patients import forms, queries, service
from hcrm.patients.domain import PatientSnapshot
from hcrm.patients.domain.duplicates import PairSnapshot
from hcrm.patients.forms import labels
from hcrm.patients.queries import duplicates as pairs
from hcrm.patients.routes.access import visible_patient
from hcrm.patients.routes.blueprint import blueprint
from hcrm.unit_of_work import unit_of_work
from hcrm.web import Page, now, page_number

LISTED = 20
RECENT = 20


@blueprint.get("/patients/duplicates")
@requires(Action.MERGE_PATIENTS)
def duplicates() -> ResponseReturnValue:
    """Pairs that wait for a decision, those with little in common apart, and what was decided lately."""
    scope = scope_of(current_actor(), Action.MERGE_PATIENTS).facility_ids
    at, likely = page_number(), request.args.get("show") != "phone"
    with unit_of_work() as session:
        found = pairs.pairs(session, scope, different=False, likely=likely, limit=LISTED + 1, offset=(at - 1) * LISTED)
        apart = pairs.pairs(session, scope, different=True, likely=None, limit=RECENT)
        merged = pairs.recent_merges(session, scope, limit=RECENT)
        counts = {each: pairs.pair_count(session, scope, likely=each) for each in (True, False)}
        people = _people(session, [*found, *apart], [each for merge in merged for each in merge[1:3]])
        _note_listing(session, people.values())
        users = user_names(
            session, {each.different_by or 0 for each in apart} | {each.merged_by or 0 for each in merged}
        )
    return render_template(
        "patients/duplicates.html", page=Page.of(found, at, LISTED), apart=apart, merged=merged, people=people,
        users=users, counts=counts, likely=likely, labels=labels,
    )  # fmt: skip


def _people(session: Any, listed: Sequence[PairSnapshot], others: Iterable[int]) -> dict[int, PatientSnapshot]:
    ids = {each for pair in listed for each in (pair.first_id, pair.second_id)} | set(others)
    return queries.patient_snapshots(session, ids)


def _note_listing(session: Any, people: Iterable[PatientSnapshot]) -> None:
    """Write down whose names were listed, by hospital."""
    listed = list(people)
    for facility_id in sorted({each.facility_id for each in listed}):
        record(
            session,
            now=now(),
            action="patient.found",
            actor_user_id=current_actor().user_id,
            facility_id=facility_id,
            details={"patients": sorted(each.id for each in listed if each.facility_id == facility_id)},
        )


@blueprint.post("/patients/<int:patient_id>/merge/<int:other_id>/different")
@requires(Action.MERGE_PATIENTS)
def tell_apart(patient_id: int, other_id: int) -> ResponseReturnValue:
    """Say that two records are two persons."""
    person = visible_patient(patient_id, Action.MERGE_PATIENTS)
    other = visible_patient(other_id, Action.MERGE_PATIENTS)
    if person.id == other.id or person.facility_id != other.facility_id or not forms.UndoForm().validate_on_submit():
        abort(404)
    with unit_of_work() as session:
        service.mark_different(session, one=person.id, other=other.id, now=now(), actor_user_id=current_actor().user_id)
    flash(_("They are kept as two persons and are not listed any more. You can undo this below."), "good")
    return redirect(url_for("patients.duplicates"), 303)


@blueprint.post("/patients/duplicates/<int:pair_id>/undo")
@requires(Action.MERGE_PATIENTS)
def undo_tell_apart(pair_id: int) -> ResponseReturnValue:
    """Let a pair that was told apart wait for a decision again."""
    with unit_of_work() as session:
        found = pairs.pair(session, pair_id)
        if found is None or not forms.UndoForm().validate_on_submit():
            abort(404)
        require_object(Action.MERGE_PATIENTS, found.facility_id)
        service.take_back_different(session, pair_id=pair_id, now=now(), actor_user_id=current_actor().user_id)
    flash(_("The pair waits for a decision again."), "info")
    return redirect(url_for("patients.duplicates"), 303)
