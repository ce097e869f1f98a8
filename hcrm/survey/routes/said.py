"""What patients say: scores, weighted for unequal response if wanted, and comments without names and numbers."""

from __future__ import annotations

import csv
import io
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, abort, g, render_template, request
from flask.typing import ResponseReturnValue

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, requires
from hcrm.audit.service import record
from hcrm.organization.queries import departments
from hcrm.survey.domain import Mode, Purpose, QuestionKind, Questionnaire
from hcrm.survey.domain.scoring import SMALL_GROUP
from hcrm.survey.forms import said as words
from hcrm.survey.queries import questionnaires
from hcrm.survey.queries.said import RATINGS, Chosen, Comment, cells_by_question, comments
from hcrm.unit_of_work import unit_of_work
from hcrm.web import Page, now, page_number
from hcrm.web.paging import PAGE_SIZE

blueprint = Blueprint("said", __name__, url_prefix="/said")

SHOWN_DAYS = 90
MOST_IN_A_FILE = 5_000


@blueprint.get("")
@requires(Action.VIEW_FIGURES)
def page() -> ResponseReturnValue:
    """Scores and comments of some days."""
    scope = scope_of(current_actor(), Action.VIEW_FIGURES)
    with unit_of_work() as session:
        forms = _forms(session)
        chosen = _chosen(forms)
        form = _form(forms, chosen.questionnaire)
        total, found = _comments(session, form, chosen, page_number())
        scores = words.scores(form, cells_by_question(session, scope, chosen)) if form else []
        names = {key: each for place in sorted(scope.departments) for key, each in departments(session, place).items()}
    return render_template(
        "survey/said.html", chosen=chosen, forms=forms, form=form, scores=scores, names=names, words=words, total=total,
        page=Page.of(found, page_number()), weighted="weighted" in request.args, modes=Mode,
        few=0 < total < SMALL_GROUP, file_arguments={key: each for key, each in request.args.items() if key != "page"},
    )  # fmt: skip


@blueprint.get("/file")
@requires(Action.VIEW_FIGURES)
def file() -> ResponseReturnValue:
    """The comments as CSV, to be shared; days are rounded to months, so that nobody is found by the day."""
    with unit_of_work() as session:
        forms = _forms(session)
        chosen = _chosen(forms)
        total, found = _comments(session, _form(forms, chosen.questionnaire), chosen, 1, MOST_IN_A_FILE)
        record(
            session, now=now(), action="survey.comments_fetched", actor_user_id=current_actor().user_id,
            facility_id=next(iter(sorted(current_actor().facility_ids)), None), details={"rows": total},
        )  # fmt: skip
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["month", "question", "overall", "mode", "comment"])
    writer.writerows(
        [f"{each.answered_at:%Y-%m}", each.question_code, each.overall or "", each.mode.value, words.cell(each.text)]
        for each in found
    )
    headers = {"Content-Disposition": 'attachment; filename="comments.csv"'}
    return Response(f"\ufeff{text.getvalue()}", mimetype="text/csv", headers=headers)


def _comments(
    session: Any, form: Questionnaire | None, chosen: Chosen, number: int, size: int = PAGE_SIZE
) -> tuple[int, list[Comment]]:
    """Of fewer than five nobody is shown, so that nobody can be recognised."""
    if form is None:
        return 0, []
    codes = [question.code for question in form.questions if question.kind is QuestionKind.TEXT]
    scope = scope_of(current_actor(), Action.VIEW_FIGURES)
    total, found = comments(session, scope, chosen, codes, offset=(number - 1) * size, limit=size + 1)
    return total, found if total >= SMALL_GROUP else []


def _forms(session: Any) -> list[Questionnaire]:
    return [form for form in questionnaires(session) if form.purpose is Purpose.SATISFACTION]


def _form(forms: list[Questionnaire], code: str) -> Questionnaire | None:
    return next((form for form in forms if form.code == code), None)


def _chosen(forms: list[Questionnaire]) -> Chosen:
    args = request.args
    default = "SAT_IP" if _form(forms, "SAT_IP") else (forms[0].code if forms else "")
    code = args.get("questionnaire", default)
    if code != default and _form(forms, code) is None:
        abort(404)
    to_on = _day("to", now().astimezone(g.hcrm_zone).date())
    mode = args.get("mode", "")
    return Chosen(
        questionnaire=code,
        from_on=_day("from", to_on - timedelta(days=SHOWN_DAYS)),
        to_on=to_on,
        department_id=args.get("department", type=int),
        mode=Mode(mode) if mode in set(Mode) else None,
        rating=args.get("rating", "") if args.get("rating") in RATINGS else "",
    )


def _day(name: str, default: date) -> date:
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return default
    return day if day.year in range(1990, 2200) else default
