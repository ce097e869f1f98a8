"""Home visits: the day's list by team and district, days for visits, teams, and the form that is filled in there."""

from __future__ import annotations

import secrets
from datetime import date, datetime
from typing import Any

from flask import abort, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.audit.service import record
from hcrm.followup import queries, service
from hcrm.followup.domain.attempts import AttemptInvalid
from hcrm.followup.domain.drafts import draft_key
from hcrm.followup.forms import home_visits as visit_forms
from hcrm.followup.forms import labels, words
from hcrm.followup.routes.blueprint import blueprint
from hcrm.followup.routes.call import allowed
from hcrm.survey.domain import InvalidAnswer, Question, QuestionKind, Respondent, SurveyAlreadyClosed
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now, settings, wants_json


def _today(moment: datetime) -> date:
    return moment.astimezone(g.hcrm_facility.zone).date()


def _day(moment: datetime) -> date:
    try:
        return date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return _today(moment)


@blueprint.get("/home-visits")
@requires(Action.PLAN_VISITS)
def home_visits() -> ResponseReturnValue:
    """The visits of a day by team and district, to print and take along, and those that wait for a day."""
    moment = now()
    day = _day(moment)
    with unit_of_work() as session:
        known = queries.visit_teams(session, g.hcrm_facility.id)
        listed = queries.visits_of_day(session, g.hcrm_facility.id, day)
        waiting = queries.without_day(session, g.hcrm_facility.id, moment)
        _note(session, "home_visits.viewed", moment, {"rows": len(listed) + len(waiting)})
        return render_template(
            "followup/home_visits.html",
            day=day,
            today=_today(moment),
            teams=known,
            listed=listed,
            waiting=waiting,
            form=visit_forms.day_form(known),
            no_visit=visit_forms.NO_VISIT,
            now=moment,
            zone=g.hcrm_facility.zone,
            country=g.hcrm_facility.country,
            labels=labels,
            words=words,
        )


def _note(session: Any, action: str, moment: datetime, details: dict[str, int]) -> None:
    record(
        session,
        now=moment,
        action=action,
        actor_user_id=current_actor().user_id,
        facility_id=g.hcrm_facility.id,
        details=details,
    )


@blueprint.post("/home-visits/book")
@requires(Action.PLAN_VISITS)
def book_visits() -> ResponseReturnValue:
    """Give a day to every visit that waits for one."""
    with unit_of_work() as session:
        booked, left = service.book_days(session, facility_id=g.hcrm_facility.id, now=now())
        _note(session, "home_visits.booked", now(), {"booked": booked, "left": len(left)})
    flash(ngettext("%(num)s visit has a day now.", "%(num)s visits have a day now.", booked), "good")
    if left:
        sentence = ngettext(
            "%(num)s visit has none: it is outside every team's area, or no day is free in time.",
            "%(num)s visits have none: they are outside every team's area, or no day is free in time.",
            len(left),
        )
        flash(sentence, "high")
    return redirect(url_for("followup.home_visits"))


@blueprint.post("/home-visits/<int:task_id>/move")
@requires(Action.PLAN_VISITS)
def move_visit(task_id: int) -> ResponseReturnValue:
    """Another team or day for a visit; without a day it waits again."""
    _visit_of_facility(task_id)
    with unit_of_work() as session:
        form = visit_forms.day_form(queries.visit_teams(session, g.hcrm_facility.id))
    user_id = current_actor().user_id
    try:
        with unit_of_work() as session:
            if "free" in request.form:
                service.free_visit(session, task_id=task_id, user_id=user_id, now=now())
            elif form.validate():
                service.move_visit(
                    session, task_id=task_id, team_id=int(form.team.data), day=form.day.data, user_id=user_id, now=now()
                )
            else:
                flash(_("Choose a team and a day."), "high")
    except service.DayFull:
        flash(_("This team cannot make more visits on that day."), "high")
    return redirect(url_for("followup.home_visits", day=form.day.data))


def _visit_of_facility(task_id: int) -> None:
    with unit_of_work() as session:
        access = queries.task_access(session, task_id, current_actor().user_id)
    if access is None:
        abort(404)
    require_object(Action.PLAN_VISITS, access.facility_id)


@blueprint.route("/home-visits/teams", methods=["GET", "POST"])
@requires(Action.PLAN_VISITS)
def visit_teams() -> ResponseReturnValue:
    """The teams with their districts and how many visits they make in a day."""
    team_id = request.args.get("team", type=_id)
    with unit_of_work() as session:
        known = queries.visit_teams(session, g.hcrm_facility.id, active=False)
    chosen = next((each for each in known if each.id == team_id), None)
    if team_id is not None and chosen is None:
        abort(404)
    form = visit_forms.TeamForm(data=_as_entered(chosen))
    if not form.validate_on_submit():
        return render_template("followup/visit_teams.html", teams=known, chosen=chosen, form=form)
    with unit_of_work() as session:
        service.save_team(
            session,
            facility_id=g.hcrm_facility.id,
            team_id=team_id,
            entry=form.entry(),
            user_id=current_actor().user_id,
            now=now(),
        )
    flash(_("The team is saved."), "good")
    return redirect(url_for("followup.visit_teams"))


def _id(text: str) -> int:
    if len(text) > 18:  # digits of the largest number that the database takes
        raise ValueError(text)
    return int(text)


def _as_entered(team: Any) -> dict[str, Any]:
    if team is None:
        return {"active": True, "per_day": 4}
    return {"name": team.name, "districts": "\n".join(team.districts), "per_day": team.per_day, "active": True}


@blueprint.route("/home-visits/<int:task_id>/form", methods=["GET", "POST"])
@requires(Action.WORK_TASKS)
def visit_form(task_id: int) -> ResponseReturnValue:
    """All questions of a visit on one page. Sent without a connection, the page keeps it and sends it later."""
    allowed(task_id)
    moment = now()
    form = visit_forms.VisitForm(data={"key": f"visit:{task_id}:{secrets.token_hex(8)}"})
    if request.method == "GET":
        return _visit_page(task_id, form, moment)
    if not form.validate():
        return _visit_problem(task_id, form, moment, next(iter(form.errors.values()))[0])
    try:
        _keep_visit(task_id, form, moment)
    except AttemptInvalid as problem:
        return _visit_problem(task_id, form, moment, words.problem_words(problem.code))
    except (InvalidAnswer, SurveyAlreadyClosed, service.TaskHeld, service.TaskClosed):
        return _visit_problem(task_id, form, moment, _("This visit cannot be saved any more: open it again."))
    if wants_json():
        return jsonify(saved=True, next=url_for("followup.home_visits"))
    flash(_("The visit is saved."), "good")
    return redirect(url_for("followup.home_visits"))


def _visit_page(task_id: int, form: Any, moment: datetime, problem: str = "") -> str:
    with unit_of_work() as session:
        view = queries.call_view(session, task_id, now=moment)
        panel = queries.question_panel(session, view.task, now=moment)
        record(
            session, now=moment, action="task.viewed", actor_user_id=current_actor().user_id,
            facility_id=view.task.facility_id, object_kind="task", object_id=task_id, patient_id=view.task.patient_id,
        )  # fmt: skip
        return render_template(
            "followup/visit_form.html",
            view=view,
            panel=panel,
            form=form,
            problem=problem,
            draft_key=draft_key(settings().secret_key, current_actor().user_id, task_id),
            kinds=QuestionKind,
            now=moment,
            zone=view.zone,
            country=view.facility.country,
            labels=labels,
            words=words,
        )


def _visit_problem(task_id: int, form: Any, moment: datetime, sentence: str) -> ResponseReturnValue:
    if wants_json():
        return jsonify(error=str(sentence)), 422
    return _visit_page(task_id, form, moment, str(sentence)), 422


def _keep_visit(task_id: int, form: Any, moment: datetime) -> None:
    user_id, proxy = current_actor().user_id, form.result.data == "proxy"
    with unit_of_work() as session:
        if service.is_noted(session, form.key.data):
            return
        task = queries.one_task(session, task_id)
        panel = queries.question_panel(session, task, now=moment)
        met = form.result.data in ("patient", "proxy")
        values = _answers(panel.questionnaire.questions) if panel is not None and met else {}
        service.answer_visit(
            session,
            task_id=task_id,
            values=values,
            respondent=Respondent.CARER if proxy else Respondent.PATIENT,
            user_id=user_id,
            now=moment,
        )
        after = queries.question_panel(session, task, now=moment)
        connection, disposition = form.outcome(complete=after is None or after.complete)
        report = service.AttemptReport(
            key=form.key.data,
            connection=connection,
            disposition=disposition,
            started_at=moment,
            note=form.note.data or "",
        )
        service.record_attempt(session, task_id=task_id, report=report, user_id=user_id, now=moment)


def _answers(questions: tuple[Question, ...]) -> dict[str, object]:
    """The answers in the form by the code of their question, in the type of the question."""
    found: dict[str, object] = {}
    for question in questions:
        given = [each.strip() for each in request.form.getlist(f"q-{question.code}") if each.strip()]
        if not given:
            continue
        if question.kind is QuestionKind.MULTI:
            found[question.code] = tuple(given)
        elif question.ranged and given[0].lstrip("-").isdigit() and len(given[0]) < 10:  # digits
            found[question.code] = int(given[0])
        else:
            found[question.code] = given[0]
    return found
