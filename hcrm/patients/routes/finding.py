"""The search page. What was typed travels in the body of the request: names and numbers do not belong in addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask import render_template, request
from flask.typing import ResponseReturnValue

from hcrm.accounts.domain import Action, permitted, scope_of
from hcrm.accounts.guard import current_actor, requires
from hcrm.audit.service import record
from hcrm.organization.queries import departments
from hcrm.patients import queries
from hcrm.patients.domain import PatientHit
from hcrm.patients.forms import SearchForm, labels
from hcrm.patients.routes.blueprint import blueprint
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, now

SHOWN = 50
"""Results on one page; who gets more narrows the search."""


@blueprint.route("/patients", methods=["GET", "POST"])
@requires(Action.VIEW_PATIENT)
def search() -> ResponseReturnValue:
    """Find a patient by name, MRN or the last digits of a phone number."""
    form = SearchForm()
    text = form.q.data or "" if form.validate_on_submit() else ""
    hits, names = found(text, Action.VIEW_PATIENT)
    return render_template(
        "patients/search.html",
        form=form,
        search_text=text,
        asked=request.method == "POST" and bool(text),
        hits=hits[:SHOWN],
        more=len(hits) > SHOWN,
        departments=names,
        sexes=labels.SEXES,
        today=now().date(),
        may_merge=permitted(current_actor(), Action.MERGE_PATIENTS),
    )


def found(text: str, action: Action) -> tuple[Sequence[PatientHit], dict[int, str]]:
    """Patients whom the viewer may see, one more than is shown, and the names of departments. It is audited."""
    scope = scope_of(current_actor(), action)
    with unit_of_work() as session:
        hits = queries.search(session, scope, text, SHOWN + 1)
        _note_finding(session, hits[:SHOWN])
        names = {
            each.id: each.name_in(language())
            for facility_id in {hit.facility_id for hit in hits}
            for each in departments(session, facility_id).values()
        }
    return hits, names


def _note_finding(session: Any, hits: Sequence[PatientHit]) -> None:
    """Write down who was listed, by hospital; what was typed could be a name, so it is not kept."""
    for facility_id in sorted({hit.facility_id for hit in hits}):
        record(
            session,
            now=now(),
            action="patient.found",
            actor_user_id=current_actor().user_id,
            facility_id=facility_id,
            details={"patients": sorted(hit.patient_id for hit in hits if hit.facility_id == facility_id)},
        )
