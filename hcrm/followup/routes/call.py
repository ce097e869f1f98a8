"""The call screen: who is speaking, what to ask, what was answered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import abort, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import audit_denial, current_actor, require_object, requires
from hcrm.audit.service import record
from hcrm.followup import service
from hcrm.followup.domain.task import TaskState, TaskStatus
from hcrm.followup.domain.worklist import PERFORMERS
from hcrm.followup.forms import CancelForm, IdentityForm, OutcomeForm, labels, words
from hcrm.followup.queries import (
    CallView,
    QuestionPanel,
    TaskAccess,
    call_view,
    day_of,
    question_panel,
    task_access,
    together,
)
from hcrm.followup.routes.blueprint import blueprint
from hcrm.followup.routes.in_hand import CallInHand, call_in_hand, confirm, forget, speak
from hcrm.survey.domain import InvalidAnswer, QuestionKind, Respondent, SurveyAlreadyClosed
from hcrm.survey.readers import call_script
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now, wants_json

LANGUAGES = ("en", "zh_Hans")


@dataclass(frozen=True, slots=True)
class Screen:
    """What the templates of the call screen work with.

    ``also``: other calls to this patient that are settled in the same call; ``asked`` is the one whose questions are
    shown.
    """

    view: CallView
    panel: QuestionPanel | None
    call: CallInHand
    mine: bool
    now: datetime
    also: tuple[Any, ...] = ()
    asked: Any = None

    @property
    def language(self) -> str:
        """The language in which one speaks with the patient."""
        return self.call.language or self.view.patient.language.value

    @property
    def open(self) -> bool:
        """The person holds the task and may record something."""
        return self.mine and self.view.task.status is TaskStatus.OPEN


def allowed(task_id: int, action: Action = Action.WORK_TASKS) -> TaskAccess:
    """Who may open the task was decided when this returns: 404 without such a task, 403 when it is not theirs.

    Beside facility and ward it is the role that counts: a ward does not ask how satisfied its own patients are, and
    nobody checks their own call.
    """
    actor = current_actor()
    with unit_of_work() as session:
        access = task_access(session, task_id, actor.user_id)
    if access is None:
        abort(404)
    require_object(action, access.facility_id, access.department_ids)
    roles = {each.role for each in actor.memberships if each.facility_id == access.facility_id}
    if access.own_check or not any(access.performer_role in PERFORMERS.get(role, frozenset()) for role in roles):
        audit_denial(action.value, facility_id=access.facility_id)
        abort(403)
    return access


@blueprint.get("/calls/<int:task_id>")
@requires(Action.WORK_TASKS)
def call(task_id: int) -> ResponseReturnValue:
    """One screen for one call. Opening it takes the task, so that nobody else calls the same patient."""
    allowed(task_id)
    held = take(task_id)
    moment = now()
    in_hand = call_in_hand(task_id, moment)
    if request.args.get("in") in LANGUAGES:
        speak(task_id, in_hand, request.args["in"])
        in_hand = call_in_hand(task_id, moment)
    with unit_of_work() as session:
        screen = screen_of(session, task_id, in_hand, moment, alone=held == {task_id})
        note_look(session, screen)
        return render_template("followup/call.html", **values(screen))


def take(task_id: int) -> frozenset[int]:
    """Take or renew the lease, and those on the calls that are settled with it: the tasks that are held now.

    Without the lease (none) the screen only shows who has it, or how the task ended.
    """
    actor = current_actor()
    try:
        with unit_of_work() as session:
            service.open_task(session, task_id=task_id, user_id=actor.user_id)
            others = together(session, task_id, actor, day_of(g.hcrm_facility, now()))
            also = service.hold_together(session, task_ids=[each.id for each in others], user_id=actor.user_id)
    except (service.TaskHeld, service.TaskClosed):
        return frozenset()
    return also | {task_id}


def screen_of(session: Any, task_id: int, in_hand: CallInHand, moment: datetime, *, alone: bool = False) -> Screen:
    """Everything the screen shows; the question asked for stands in the address. ``alone``: no other task is settled
    with this one, as is known from taking it.
    """
    view = call_view(session, task_id, now=moment)
    actor = current_actor()
    mine = view.state is TaskState.IN_PROGRESS and view.held_by_user_id == actor.user_id
    others = together(session, task_id, actor, day_of(g.hcrm_facility, moment)) if mine and not alone else []
    also = tuple(each for each in others if each.lease_user_id == actor.user_id)
    screen = Screen(view=view, panel=None, call=in_hand, mine=mine, now=moment, also=also, asked=view.task)
    if not in_hand.confirmed:
        return screen
    return asking(session, screen, code=request.values.get("question"), after=request.values.get("after"))


def asking(session: Any, screen: Screen, *, code: str | None = None, after: str | None = None) -> Screen:
    """The screen with the questions of the task in the address, or of the next one when those are all asked."""
    tasks = [screen.view.task, *screen.also]
    wanted = request.values.get("of", "")
    start = next((number for number, each in enumerate(tasks) if str(each.id) == wanted), 0)
    shown = screen
    for number, task in enumerate(tasks[start:]):
        first = number == 0
        panel = question_panel(
            session, task, now=screen.now, code=code if first else None, after=after if first else None
        )
        if panel is None:
            continue
        if shown.panel is None or panel.current is not None:
            shown = replace(screen, asked=task, panel=replace(panel, respondent=respondent_of(screen)))
        if panel.current is not None:
            break
    return shown


def respondent_of(screen: Screen) -> Respondent:
    """Who answers: the patient, or for a child the parent, for another patient who cares for them."""
    if screen.call.who != "proxy":
        return Respondent.PATIENT
    child = words.is_child(screen.view.patient, screen.now.astimezone(screen.view.zone).date())
    return Respondent.PARENT if child else Respondent.CARER


def note_look(session: Any, screen: Screen) -> None:
    """Write down whose call is looked at."""
    task = screen.view.task
    record(
        session,
        now=screen.now,
        action="task.viewed",
        actor_user_id=current_actor().user_id,
        facility_id=task.facility_id,
        object_kind="task",
        object_id=task.id,
        patient_id=task.patient_id,
    )


def values(screen: Screen) -> dict[str, Any]:
    """What the templates of the screen use."""
    return {
        "screen": screen,
        "view": screen.view,
        "task": screen.view.task,
        "panel": screen.panel,
        "zone": screen.view.zone,
        "now": screen.now,
        "country": screen.view.facility.country,
        "script": call_script(),
        "identity": IdentityForm(),
        "outcome": OutcomeForm(key=screen.call.key),
        "cancel": CancelForm(),
        "callback_times": words.callback_times(screen.now, screen.view.zone),
        "prepare": "prepare" in request.args,
        "labels": labels,
        "words": words,
    }


@blueprint.post("/calls/<int:task_id>/identity")
@requires(Action.WORK_TASKS)
def identity(task_id: int) -> ResponseReturnValue:
    """Who is speaking: only then is anything about health shown."""
    allowed(task_id)
    form = IdentityForm()
    moment = now()
    if not form.validate_on_submit():
        flash(_("Say who is speaking."), "high")
    elif form.who.data == "patient" and not (form.said_name.data and form.said_second.data):
        flash(
            _("Both facts have to be right. If one is wrong, stop kindly and record “Answered, person unknown”."),
            "high",
        )
    elif form.who.data == "proxy" and not _may_hear(task_id, form.contact_point_id.data, moment):
        flash(_("Health is discussed only with a contact authorised on the record. Choose whose number it is."), "high")
    else:
        confirm(
            task_id,
            call_in_hand(task_id, moment),
            who=form.who.data,
            contact_point_id=form.contact_point_id.data,
            interpreter=form.interpreter.data or "",
        )
    return redirect(url_for("followup.call", task_id=task_id))


def _may_hear(task_id: int, contact_point_id: int | None, moment: datetime) -> bool:
    """Whether this contact is authorised to hear about the patient's health."""
    with unit_of_work() as session:
        known = call_view(session, task_id, now=moment).numbers
    return any(each.contact.id == contact_point_id and each.contact.may_discuss_health for each in known)


@blueprint.post("/calls/<int:task_id>/answers")
@requires(Action.WORK_TASKS)
def answer(task_id: int) -> ResponseReturnValue:
    """Save one answer at once, and show what it raised and what comes next."""
    allowed(task_id)
    in_hand = call_in_hand(task_id, now())
    if not in_hand.confirmed:
        return _refused(task_id, _("Check first who is speaking."), 409)
    try:
        return _saved(task_id, in_hand, request.form.get("question", ""))
    except InvalidAnswer:
        return _refused(task_id, _("This answer does not fit the question."), 422)
    except service.TaskHeld:
        return _refused(task_id, _("Somebody else has taken this task."), 409)
    except (service.TaskClosed, SurveyAlreadyClosed):
        return _refused(task_id, _("This task is closed; nothing more is asked."), 409)


def _saved(task_id: int, in_hand: CallInHand, code: str) -> ResponseReturnValue:
    """Save the answer in the form; what the page shows then, or where it goes on without scripts."""
    moment = now()
    with unit_of_work() as session:
        before = screen_of(session, task_id, in_hand, moment)
        given = replace(_given(before.panel, code), respondent=respondent_of(before))
        asked = before.asked.id if before.asked is not None else task_id
        service.answer_question(session, task_id=asked, answer=given, user_id=current_actor().user_id, now=moment)
        screen, stays = _after_answer(session, task_id, code, in_hand)
        if not wants_json():
            return redirect(_next_address(task_id, asked, code, stays=stays))
        return jsonify(panel=render_template("followup/_questions.html", **values(screen)))


def _given(panel: QuestionPanel | None, code: str) -> service.Answer:
    """The answer in the form, in the type of its question. Raises ``InvalidAnswer``."""
    question = None if panel is None else next((each for each in panel.shown if each.code == code), None)
    if question is None:
        raise InvalidAnswer(code)
    given: Any = request.form.getlist("value")
    if question.kind is QuestionKind.MULTI:
        return service.Answer(code, tuple(each for each in given if each) or None)
    value: Any = given[0].strip() if given else ""
    if question.ranged and value.lstrip("-").isdigit():
        value = int(value)
    return service.Answer(code, value if value != "" else None)


def _after_answer(session: Any, task_id: int, code: str, in_hand: CallInHand) -> tuple[Screen, bool]:
    """The screen after an answer, and whether it stays at the question.

    It stays where the answer raised an alert, so that the words to say can be read, and where the page asks for it.
    """
    screen = screen_of(session, task_id, in_hand, now())
    if screen.panel is None:
        return screen, False
    if "stay" in request.form or screen.panel.alerts_of(screen.panel.questionnaire.question(code)):
        return screen, True
    return asking(session, screen, after=code), False


def _next_address(task_id: int, asked: int, code: str, *, stays: bool) -> str:
    """Where the page goes on without scripts."""
    address = url_for("followup.call", task_id=task_id)
    return f"{address}?{urlencode({'question' if stays else 'after': code, 'of': asked})}#question"


def _refused(task_id: int, sentence: str, status: int) -> ResponseReturnValue:
    if wants_json():
        return jsonify(error=sentence), status
    flash(sentence, "high")
    return redirect(url_for("followup.call", task_id=task_id))


@blueprint.get("/calls/<int:task_id>/questions")
@requires(Action.WORK_TASKS)
def questions(task_id: int) -> ResponseReturnValue:
    """The panel of questions at another question, for the script of the page."""
    allowed(task_id)
    moment = now()
    in_hand = call_in_hand(task_id, moment)
    with unit_of_work() as session:
        screen = screen_of(session, task_id, in_hand, moment)
        if screen.panel is None:
            return jsonify(error="identity"), 409
        if not screen.mine:  # whoever holds the task has opened its screen, which is written down
            note_look(session, screen)
        return jsonify(panel=render_template("followup/_questions.html", **values(screen)))


@blueprint.post("/calls/<int:task_id>/keep")
@requires(Action.WORK_TASKS)
def keep_call(task_id: int) -> ResponseReturnValue:
    """A sign of life of the open screen: the task stays with this person."""
    allowed(task_id)
    return jsonify(held=bool(take(task_id)))


@blueprint.post("/calls/<int:task_id>/advice")
@requires(Action.WORK_TASKS)
def advice(task_id: int) -> ResponseReturnValue:
    """Send one of the texts with advice to the patient."""
    allowed(task_id)
    chosen = request.form.get("advice", "")
    if chosen not in {each.value for each in service.Advice}:
        return _refused(task_id, _("Choose a text."), 422)
    with unit_of_work() as session:
        service.send_advice(
            session, task_id=task_id, advice=service.Advice(chosen), user_id=current_actor().user_id, now=now()
        )
    said = _("The text is on its way, if the patient takes texts. The timeline shows what became of it.")
    if wants_json():
        return jsonify(text=said)
    flash(said, "good")
    return redirect(url_for("followup.call", task_id=task_id))


@blueprint.post("/calls/<int:task_id>/release")
@requires(Action.WORK_TASKS)
def release(task_id: int) -> ResponseReturnValue:
    """Put the task back without a call."""
    allowed(task_id)
    actor = current_actor()
    with unit_of_work() as session:
        others = together(session, task_id, actor, day_of(g.hcrm_facility, now()))
        for each in (task_id, *(other.id for other in others)):
            service.release_task(session, task_id=each, user_id=actor.user_id)
    forget(task_id)
    return redirect(url_for("followup.today"))
