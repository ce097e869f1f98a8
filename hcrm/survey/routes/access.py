"""Whose questionnaires a person sees, writes and publishes.

A questionnaire of all hospitals is changed by administrators of all of them; everybody else makes a copy. One that a
hospital made is written by whoever edits questionnaires there, and published or retired by its managers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import abort

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import audit_denial, current_actor, picked_facility, require_object
from hcrm.organization.queries import facilities
from hcrm.survey.domain import UnknownQuestionnaire
from hcrm.survey.queries import drafts as queries
from hcrm.unit_of_work import unit_of_work


@dataclass(frozen=True, slots=True)
class Rights:
    """What the person may do with a questionnaire."""

    write: bool
    publish: bool


def own_facility() -> int:
    """The hospital to which what this person makes belongs: the one they have picked, else their first."""
    edited = scope_of(current_actor(), Action.EDIT_SURVEYS).departments
    picked = picked_facility()
    return picked if picked in edited and picked is not None else next(iter(edited))


def may_share() -> bool:
    """Whether the person may make and change questionnaires of all hospitals."""
    with unit_of_work() as session:
        every = {each.id for each in facilities(session)}
    return every <= scope_of(current_actor(), Action.EDIT_SHARED_SURVEYS).facility_ids


def sees(row: queries.QuestionnaireRow) -> bool:
    """Whether the person knows of this questionnaire."""
    return row.facility_id is None or row.facility_id in scope_of(current_actor(), Action.EDIT_SURVEYS).departments


def rights(row: queries.QuestionnaireRow) -> Rights:
    """What the person may do with a questionnaire that they see."""
    if row.facility_id is None:
        shared = may_share()
        return Rights(shared, shared)
    return Rights(
        row.facility_id in scope_of(current_actor(), Action.EDIT_SURVEYS).departments,
        row.facility_id in scope_of(current_actor(), Action.PUBLISH_SURVEYS).departments,
    )


def shown(session: Any, code: str) -> queries.QuestionnaireRow:
    """The questionnaire, when there is one and the person may see it; else 404."""
    try:
        row = queries.questionnaire_row(session, code)
    except UnknownQuestionnaire:
        abort(404)
    if not sees(row):
        abort(404)
    return row


def require_write(code: str) -> queries.QuestionnaireRow:
    """Stop unless the person may change drafts of this questionnaire."""
    return _require(code, Action.EDIT_SURVEYS)


def require_publish(code: str) -> queries.QuestionnaireRow:
    """Stop unless the person may publish and retire this questionnaire."""
    return _require(code, Action.PUBLISH_SURVEYS)


def _require(code: str, action: Action) -> queries.QuestionnaireRow:
    with unit_of_work() as session:
        row = shown(session, code)
        every = [each.id for each in facilities(session)]
    if row.facility_id is not None:
        require_object(action, row.facility_id)
    elif not set(every) <= scope_of(current_actor(), Action.EDIT_SHARED_SURVEYS).facility_ids:
        audit_denial(Action.EDIT_SHARED_SURVEYS.value, facility_id=own_facility())
        abort(403)
    return row
