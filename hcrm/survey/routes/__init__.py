"""The patient's web survey: one question per page, saved at once, without a log-in, a cookie or a script.

Whoever has the address may answer; it holds a token of 72 bits. The pages show no record of the patient: only the date
the stay ended, the questions, and earlier ratings (never earlier answers about health, never a text that was written).
Questionnaires about somebody's health begin with a question for the patient's birth date.
"""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from hcrm.accounts.guard import public
from hcrm.extensions import csrf
from hcrm.survey import service
from hcrm.survey.domain import InvalidAnswer, Question, SurveyAlreadyClosed, alerts_for, checked_value
from hcrm.survey.forms import RESPONDENT_CHOICES, PageSeal, read_answer, read_proof, read_respondent
from hcrm.survey.routes.visits import EXTENSION, Visit, after_answer, again, new_limits, page, question_page, visit_of
from hcrm.survey.service import WebOutcome
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now

blueprint = Blueprint("survey", __name__, url_prefix="/s")
csrf.exempt(blueprint)  # each form carries its own seal instead, see forms.PageSeal

START = "start"
FINISH = "finish"
CHECK = "check"


@blueprint.record_once
def _set_limits(state: BlueprintSetupState) -> None:
    state.app.extensions[EXTENSION] = new_limits()


@blueprint.after_request
def _keep_private(response: Response) -> Response:
    """The address is the key: no search engine, cache or other site gets to know it."""
    response.headers["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/<token>")
@public
def entry(token: str) -> ResponseReturnValue:
    """Where the link leads: the first page, the question where the person stopped, or the end."""
    visit = visit_of(token)
    if visit.expired:
        return _closed(visit)
    if visit.over:
        return redirect(visit.url("done"), 303)
    if not visit.survey.answers or request.args.get("start"):
        return page("survey/start.html", visit, respondents=RESPONDENT_CHOICES, seal=visit.seal(START))
    return redirect(visit.resume_url(), 303)


@blueprint.post("/<token>")
@public
def begin(token: str) -> ResponseReturnValue:
    """Take who answers, then show the first question."""
    visit = visit_of(token)
    if visit.expired or visit.over or visit.sent_seal(START) is None:
        return redirect(visit.url("entry"), 303)
    with unit_of_work() as session:
        service.choose_respondent(
            session,
            response_id=visit.survey.response.id,
            respondent=read_respondent(request.form),
            language=visit.language,
            now=now(),
        )
    return redirect(again(visit).resume_url(), 303)


@blueprint.get("/<token>/check")
@public
def check(token: str) -> ResponseReturnValue:
    """Before pages about somebody's health: the patient's birth date, or the end of the record number."""
    visit = visit_of(token, checking=True)
    if visit.expired or visit.proven:
        return redirect(visit.url("entry"), 303)
    return check_page(visit)


@blueprint.post("/<token>/check")
@public
def prove(token: str) -> ResponseReturnValue:
    """Take what was given; five wrong ones close the pages of this link."""
    visit = visit_of(token, checking=True)
    if visit.expired or visit.sent_seal(CHECK) is None:
        return redirect(visit.url("entry"), 303)
    with unit_of_work() as session:
        right = service.check_who(session, response_id=visit.survey.response.id, given=read_proof(request.form))
    if right:
        return redirect(visit.with_proof().url("entry"), 303)
    return check_page(again(visit), wrong=True), 422


@blueprint.get("/<token>/q/<code>")
@public
def question(token: str, code: str) -> ResponseReturnValue:
    """One question."""
    visit = visit_of(token)
    asked = visit.asked(code)
    if visit.expired or visit.over or asked is None:
        return redirect(visit.url("entry"), 303)
    return question_page(visit, asked)


@blueprint.post("/<token>/q/<code>")
@public
def answer(token: str, code: str) -> ResponseReturnValue:
    """Save one answer at once, or pass over the question, and go on."""
    visit = visit_of(token)
    asked = visit.asked(code)
    if asked is None:
        return redirect(visit.url("entry"), 303)
    seal = visit.sent_seal(code)
    if seal is None:
        return question_page(visit, asked, problem="again"), 400
    if "skip" in request.form and visit.may_skip(asked):
        return _after(visit, asked)
    try:
        return _save(visit, asked, read_answer(asked, request.form), seal)
    except InvalidAnswer:
        return question_page(visit, asked, problem="choose"), 422
    except SurveyAlreadyClosed:
        return _closed(again(visit))


@blueprint.get("/<token>/help")
@public
def emergency(token: str) -> ResponseReturnValue:
    """What to do now, after an answer that tells of danger."""
    visit = visit_of(token)
    following = None if visit.over or visit.expired else visit.following()
    go_on = visit.url("question", code=following.code) if following is not None else None
    return page("survey/emergency.html", visit, go_on=go_on)


@blueprint.get("/<token>/done")
@public
def done(token: str) -> ResponseReturnValue:
    """Thanks, and what happens with the answers; before the end, the button that ends the survey."""
    visit = visit_of(token)
    if visit.expired:
        return _closed(visit)
    if not visit.over:
        back = visit.url("question", code=visit.shown[-1].code)
        return page("survey/finish.html", visit, seal=visit.seal(FINISH), back=back)
    return page("survey/done.html", visit, contact=_contact(visit))


@blueprint.post("/<token>/done")
@public
def finish(token: str) -> ResponseReturnValue:
    """End the survey."""
    visit = visit_of(token)
    if not visit.expired and not visit.over and visit.sent_seal(FINISH) is not None:
        _close(visit)
    return redirect(visit.url("done"), 303)


def check_page(visit: Visit, *, wrong: bool = False) -> str:
    """The question for the birth date, or that it was wrong too often."""
    locked = visit.survey.failed_checks >= service.MOST_FAILED_CHECKS
    return page("survey/check.html", visit, seal=visit.seal(CHECK), wrong=wrong, locked=locked)


def _save(visit: Visit, asked: Question, value: object, seal: PageSeal) -> ResponseReturnValue:
    with unit_of_work() as session:
        saved = service.answer_on_web(
            session,
            response_id=visit.survey.response.id,
            question_code=asked.code,
            value=value,
            language=visit.language,
            device=visit.device,
            seen_answer_id=seal.last_answer_id,
            now=now(),
        )
    if saved.outcome is WebOutcome.CONFLICT:
        return question_page(again(visit), asked, problem="conflict"), 409
    fresh = again(visit) if saved.others else after_answer(visit, asked.code, checked_value(asked, value))
    if fresh.expired:
        return _closed(fresh, late=True)
    notice = "other" if saved.others else None
    if saved.stop:
        return redirect(fresh.url("emergency", n=notice), 303)
    return _after(fresh, asked, notice)


def _after(visit: Visit, asked: Question, notice: str | None = None) -> ResponseReturnValue:
    """Go to the question after this one; after the last one the survey ends."""
    if visit.over:
        return redirect(visit.url("done", n="finished"), 303)
    following = visit.following(asked.code)
    if following is not None:
        return redirect(visit.url("question", code=following.code, n=notice), 303)
    if visit.survey.answers:
        _close(visit)
    return redirect(visit.url("done", n=notice), 303)


def _close(visit: Visit) -> None:
    with unit_of_work() as session:
        service.close_response(session, response_id=visit.survey.response.id, now=now())


def _contact(visit: Visit) -> str:
    """What follows: ``called`` when somebody will be in touch, ``no_contact`` when that was refused, else ``none``."""
    survey = visit.survey
    if not alerts_for(survey.questionnaire, survey.answers, survey.context):
        return "none"
    return "no_contact" if survey.answers.get("contact_me") == "no" else "called"


def _closed(visit: Visit, *, late: bool = False) -> ResponseReturnValue:
    return page("survey/closed.html", visit, late=late), 410
