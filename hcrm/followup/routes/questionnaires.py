"""Retiring a questionnaire: which plans ask it, and what they are to ask instead."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action, permitted
from hcrm.accounts.guard import current_actor, requires
from hcrm.followup import service
from hcrm.followup.routes.blueprint import blueprint
from hcrm.followup.service.retiring import PlanAsking, PlanHasDraft, ask_instead, plans_asking
from hcrm.organization.queries import facilities
from hcrm.survey.domain import Questionnaire
from hcrm.survey.queries import questionnaires
from hcrm.survey.queries.drafts import QuestionnaireRow
from hcrm.survey.routes.access import require_publish
from hcrm.survey.routes.building import author
from hcrm.survey.service import building
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, now


@blueprint.get("/questionnaires/<code>/retire")
@requires(Action.PUBLISH_SURVEYS)
def retiring(code: str) -> ResponseReturnValue:
    """The plans that ask it, by name, and what to do about them."""
    return _page(_in_use(code))


@blueprint.post("/questionnaires/<code>/retire")
@requires(Action.PUBLISH_SURVEYS)
def retire_questionnaire(code: str) -> ResponseReturnValue:
    """Take it out of use; the plans that ask it ask another one from now on.

    403 for who may not publish those plans.
    """
    row = _in_use(code)
    other = request.form.get("other", "")
    try:
        with unit_of_work() as session:
            asking = plans_asking(session, code, _hospitals(session, row))
            if not _may_publish(asking):
                return _page(row), 403
            if asking and other not in {each.code for each in _others(session, row)}:
                return _page(row, _("Choose what these plans are to ask instead.")), 422
            _ask_instead(session, asking, code, other)
            building.retire(session, code=code, author=author())
    except PlanHasDraft as problem:
        return _page(
            row, _("The plan %(plan)s is being changed. Publish or discard its draft first.", plan=problem)
        ), 409
    except service.PlanNotPublishable:
        return _page(row, _("A plan cannot ask it as it stands. Change that plan by hand, then come back.")), 409
    flash(_("The questionnaire is retired. Patients who are enrolled already are still asked it."), "good")
    return redirect(url_for("questionnaires.one", code=code))


def _in_use(code: str) -> QuestionnaireRow:
    row = require_publish(code)
    if row.published is None:
        abort(404)
    return row


def _may_publish(asking: list[PlanAsking]) -> bool:
    """Whether the person may edit the plans of every hospital in which one has to be published anew."""
    return all(permitted(current_actor(), Action.EDIT_PLANS, each.facility_id) for each in asking)


def _ask_instead(session: Any, asking: list[PlanAsking], code: str, other: str) -> None:
    """Publish each of the plans with the other questionnaire."""
    for each in asking:
        ask_instead(session, asking=each, code=code, other=other, actor_user_id=current_actor().user_id, now=now())


def _hospitals(session: Any, row: QuestionnaireRow) -> list[int]:
    """Where the questionnaire may be asked."""
    return [each.id for each in facilities(session)] if row.facility_id is None else [row.facility_id]


def _others(session: Any, row: QuestionnaireRow) -> list[Questionnaire]:
    """What may be asked instead: what serves the same purpose and may be asked wherever this one is."""
    found = questionnaires(session, row.facility_id) if row.facility_id is not None else _shared(session)
    return [each for each in found if each.purpose is row.purpose and each.code != row.code]


def _shared(session: Any) -> list[Questionnaire]:
    return questionnaires(session, 0)


def _page(row: QuestionnaireRow, problem: str = "") -> str:
    with unit_of_work() as session:
        asking: list[PlanAsking] = plans_asking(session, row.code, _hospitals(session, row))
        others = _others(session, row)
        names = {each.id: each.name_in(language()) for each in facilities(session)}
    return render_template(
        "followup/retire_questionnaire.html",
        row=row,
        asking=asking,
        may_publish=_may_publish(asking),
        others=others,
        names=names,
        problem=problem,
    )
