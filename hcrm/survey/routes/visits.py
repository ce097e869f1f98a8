"""One look at a survey by one device: finding it by its link, and making its pages."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from flask import Response, abort, current_app, make_response, redirect, render_template, request, url_for

from hcrm.clock import stopwatch
from hcrm.ids import TOKEN_LENGTH, token_hash
from hcrm.survey.domain import (
    AnswerValue,
    Mode,
    Purpose,
    Question,
    next_question,
    previous_question,
    shown_questions,
    stopped,
)
from hcrm.survey.domain.throttle import Throttle
from hcrm.survey.forms import PageSeal, Pass, is_pass, read_seal, short_date
from hcrm.survey.queries import WebSurvey, web_survey
from hcrm.unit_of_work import unit_of_work
from hcrm.web import LANGUAGES, now, settings, use_language

EXTENSION = "hcrm.survey"
_DEVICE = re.compile(r"[A-Za-z0-9_-]{8}")
_TOKEN = re.compile(rf"[A-Za-z0-9_-]{{{TOKEN_LENGTH}}}")
PROOF_LASTS = timedelta(hours=2)
_PAGES_OF_FORMS = {"prove": "check", "answer": "question", "begin": "entry", "finish": "done"}


@dataclass(frozen=True, slots=True)
class Limits:
    """How often the pages of one link, and links that do not exist, may be asked for in a minute.

    Links that exist are not counted by address: many patients share the address of their carrier.
    """

    pages: Throttle
    misses: Throttle


def new_limits() -> Limits:
    """The limits of one process."""
    return Limits(pages=Throttle(120, 60), misses=Throttle(20, 60))


@dataclass(frozen=True, slots=True)
class Visit:
    """One look at a survey by one device, in one language.

    The device is a random mark that is passed on in the addresses of the pages: two phones that answer the same
    survey can be told apart without a cookie.
    """

    token: str
    survey: WebSurvey
    language: str
    device: str
    proof: str = ""

    def url(self, endpoint: str, **values: Any) -> str:
        """The address of another page, which keeps the device and a language chosen on the way."""
        chosen = self.language if self.language != self.survey.language else None
        return url_for(f"survey.{endpoint}", **{**self._kept(), "l": chosen, **values})

    def _kept(self) -> dict[str, str | None]:
        return {"token": self.token, "d": self.device, "p": self.proof or None}

    @property
    def proven(self) -> bool:
        """Whether this device has shown that it knows the patient, where that is asked for."""
        survey, secret = self.survey, settings().secret_key
        at = now().timestamp()
        return not survey.needs_check or is_pass(
            self.proof, secret, response_id=survey.response.id, device=self.device, at=at
        )

    def with_proof(self) -> Visit:
        """The same visit after the right birth date."""
        until = int((now() + PROOF_LASTS).timestamp())
        proof = Pass(self.survey.response.id, self.device, until).signed(settings().secret_key)
        return replace(self, proof=proof)

    def seal(self, code: str) -> str:
        page = PageSeal(self.survey.response.id, code, self.survey.last_answer_id)
        return page.signed(settings().secret_key)

    def sent_seal(self, code: str) -> PageSeal | None:
        """The seal of the form that came, if it is whole and of this page."""
        text = request.form.get("seal", "")
        return read_seal(text, settings().secret_key, response_id=self.survey.response.id, question_code=code)

    @property
    def shown(self) -> tuple[Question, ...]:
        return shown_questions(self.survey.questionnaire, self.survey.answers, self.survey.context)

    @property
    def over(self) -> bool:
        """The survey was finished."""
        return self.survey.response.closed_at is not None and not self.expired

    @property
    def expired(self) -> bool:
        return self.survey.response.is_late(now()) or self.survey.response.ended_without_answers

    @property
    def in_danger(self) -> bool:
        """An answer tells of danger; every other question is optional."""
        return stopped(self.survey.questionnaire, self.survey.answers, self.survey.context)

    def asked(self, code: str) -> Question | None:
        """The question of this code, if it is asked as things stand."""
        return next((entry for entry in self.shown if entry.code == code), None)

    def may_skip(self, asked: Question) -> bool:
        return not asked.core or self.in_danger

    def following(self, after: str | None = None) -> Question | None:
        """The first unanswered question after ``after``, else any core one that was passed by."""
        survey = self.survey
        found = next_question(survey.questionnaire, survey.answers, survey.context, after=after)
        missing = (entry for entry in self.shown if entry.code not in survey.answers and not self.may_skip(entry))
        return found or next(missing, None)

    def resume_url(self) -> str:
        """Where the person stopped."""
        answered = [entry.code for entry in self.shown if entry.code in self.survey.answers]
        target = self.following(answered[-1] if answered else None)
        return self.url("question", code=target.code) if target is not None else self.url("done")


def visit_of(token: str, *, checking: bool = False) -> Visit:
    """The survey of this link; ends the request with a page in plain words when there is none or too many asked.

    Where the pages are about health, it ends with the question for the birth date until this device has answered it;
    ``checking`` is for that page itself.
    """
    limits: Limits = current_app.extensions[EXTENSION]
    if not limits.pages.allows(token_hash(token), stopwatch()):
        abort(_plain("survey/busy.html", 429))
    survey = _find(token) if _TOKEN.fullmatch(token) else None
    if survey is None:
        allowed = limits.misses.allows(request.remote_addr or "", stopwatch())
        abort(_plain("survey/unknown.html" if allowed else "survey/busy.html", 404 if allowed else 429))
    wanted, device = request.args.get("l", ""), request.args.get("d", "")
    visit = Visit(
        token,
        survey,
        language=wanted if wanted in LANGUAGES else survey.language,
        device=device if _DEVICE.fullmatch(device) else secrets.token_urlsafe(6),
        proof=request.args.get("p", ""),
    )
    use_language(visit.language)
    if not checking and not visit.expired and not visit.proven:
        abort(redirect(replace(visit, proof="").url("check"), 303))
    return visit


def after_answer(visit: Visit, code: str, value: AnswerValue) -> Visit:
    """The same visit with one more answer, which nobody else has changed meanwhile."""
    survey = replace(visit.survey, answers={**visit.survey.answers, code: value})
    return replace(visit, survey=survey)


def again(visit: Visit) -> Visit:
    """The same visit with the survey as it is now."""
    return replace(visit, survey=_find(visit.token) or visit.survey)


def page(template: str, visit: Visit, **more: Any) -> str:
    """A page of the survey in the language of the visit."""
    survey = visit.survey
    return render_template(
        template,
        visit=visit,
        questionnaire=survey.questionnaire,
        facility=survey.facility,
        hospital_name=survey.facility.name_in(visit.language),
        language=visit.language,
        respondent=survey.response.respondent,
        about=_about(visit),
        notice=request.args.get("n", ""),
        other_language_urls={code: _in_language(visit, code) for code in LANGUAGES},
        **more,
    )


def question_page(visit: Visit, asked: Question, problem: str = "") -> str:
    """One question; ``problem`` says why it is shown again."""
    survey = visit.survey
    before = previous_question(survey.questionnaire, survey.answers, survey.context, asked.code)
    return page(
        "survey/question_page.html",
        visit,
        question=asked,
        mode=Mode.WEB,
        position=visit.shown.index(asked) + 1,
        total=len(visit.shown),
        answered=asked.code in survey.answers,
        value=survey.answers.get(asked.code) if _may_show_again(visit, asked) else None,
        may_show=_may_show_again(visit, asked),
        may_skip=visit.may_skip(asked),
        back=visit.url("question", code=before.code) if before is not None else visit.url("entry", start=1),
        seal=visit.seal(asked.code),
        problem=problem,
    )


def _find(token: str) -> WebSurvey | None:
    with unit_of_work() as session:
        return web_survey(session, token, now())


def _may_show_again(visit: Visit, asked: Question) -> bool:
    """Ratings are shown again; answers about health and texts are not, whoever holds the phone."""
    return asked.ranged and visit.survey.questionnaire.purpose is Purpose.SATISFACTION


def _about(visit: Visit) -> str:
    """Which stay the questions are about, by its date alone."""
    survey = visit.survey
    text = survey.questionnaire.about.for_(survey.response.respondent).in_language(visit.language)
    day = short_date(survey.ended_on, visit.language)
    return text.replace("{when}", day) if day else ""


def _in_language(visit: Visit, code: str) -> str:
    """This page in another language; a page that came from a form is asked for anew."""
    endpoint = str(request.endpoint).removeprefix("survey.")
    kept = {name: request.args[name] for name in ("start",) if name in request.args}
    values: dict[str, Any] = {
        **(request.view_args or {}),
        **kept,
        "d": visit.device,
        "p": visit.proof or None,
        "l": code,
    }
    return url_for(f"survey.{_PAGES_OF_FORMS.get(endpoint, endpoint)}", **values)


def _plain(template: str, status: int) -> Response:
    response = make_response(render_template(template, hospital_name=""), status)
    if status == 429:
        response.headers["Retry-After"] = "60"
    return response
