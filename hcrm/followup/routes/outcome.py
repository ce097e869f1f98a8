"""The end of a call: what it came to, what follows, and the next patient."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import abort, flash, g, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, requires
from hcrm.audit.service import record
from hcrm.followup import service
from hcrm.followup.domain.attempts import AttemptInvalid, Consequence, Disposition
from hcrm.followup.domain.task import TaskReason, TaskStatus
from hcrm.followup.forms import CancelForm, OutcomeForm, labels, words
from hcrm.followup.queries import call_view, day_of, next_task_id, together
from hcrm.followup.routes.blueprint import blueprint
from hcrm.followup.routes.call import allowed, note_look, screen_of, values
from hcrm.followup.routes.in_hand import CallInHand, call_in_hand, forget
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now


def _report(form: OutcomeForm, in_hand: CallInHand) -> service.AttemptReport:
    return service.AttemptReport(
        key=form.key.data,
        connection=form.chosen_connection(),
        disposition=form.chosen_disposition(),
        started_at=in_hand.begun,
        contact_point_id=form.contact_point_id.data or in_hand.contact_point_id,
        callback_at=form.callback_in(g.hcrm_facility.zone),
        note=form.note.data or "",
        interpreter=form.interpreter.data or in_hand.interpreter,
    )


@blueprint.post("/calls/<int:task_id>/outcome")
@requires(Action.WORK_TASKS)
def outcome(task_id: int) -> ResponseReturnValue:
    """Record how the call ended, then open the next task, or go back to the list."""
    allowed(task_id)
    form, moment = OutcomeForm(), now()
    in_hand = call_in_hand(task_id, moment)
    if not form.validate_on_submit():
        return _again(task_id, form, in_hand, next(iter(form.errors.values()))[0])
    try:
        found, others = _recorded(task_id, _report(form, in_hand), moment)
    except AttemptInvalid as problem:
        return _again(task_id, form, in_hand, words.problem_words(problem.code))
    except service.TaskHeld:
        return _again(task_id, form, in_hand, _("Somebody else has taken this task meanwhile."))
    forget(task_id)
    said = [_("Saved."), words.consequence_words(found, moment, g.hcrm_facility.zone), words.others_words(others)]
    flash(" ".join(filter(None, said)), "good")
    return redirect(_next_place(task_id, moment))


def _recorded(task_id: int, report: service.AttemptReport, moment: datetime) -> tuple[Consequence | None, int]:
    """What follows from the call, and how many other tasks of the patient it settled too."""
    actor = current_actor()
    with unit_of_work() as session:
        others = together(session, task_id, actor, day_of(g.hcrm_facility, moment))
        also = [each.id for each in others if each.lease_user_id == actor.user_id]
        found = service.record_attempt(session, task_id=task_id, report=report, user_id=actor.user_id, now=moment)
        done = service.record_together(session, task_ids=also, report=report, user_id=actor.user_id, now=moment)
    return found, done


def _again(task_id: int, form: OutcomeForm, in_hand: CallInHand, sentence: str) -> ResponseReturnValue:
    """The same screen with what was chosen and the sentence that says what is missing."""
    moment = now()
    with unit_of_work() as session:
        screen = screen_of(session, task_id, in_hand, moment)
        note_look(session, screen)
        shown: dict[str, Any] = values(screen)
        shown |= {"outcome": form, "problem": sentence}
        return render_template("followup/call.html", **shown), 422


def _next_place(task_id: int, moment: datetime) -> str:
    """The next task of the list, when that was asked for and there is one; else the list."""
    if "next" in request.form:
        with unit_of_work() as session:
            following = next_task_id(session, current_actor(), day_of(g.hcrm_facility, moment), after_task_id=task_id)
        if following is not None:
            return url_for("followup.call", task_id=following)
        flash(_("That was the last one for now."), "info")
    return url_for("followup.today")


@blueprint.post("/calls/<int:task_id>/proposal")
@requires(Action.WORK_TASKS)
def proposal(task_id: int) -> ResponseReturnValue:
    """What the rules propose for the result chosen so far, in words; nothing is recorded."""
    allowed(task_id)
    form, moment = OutcomeForm(), now()
    if not form.validate():
        return jsonify(text="")
    report = _report(form, call_in_hand(task_id, moment))
    if report.disposition is Disposition.CALLBACK_REQUESTED and report.callback_at is None:
        return jsonify(text=labels.ATTEMPT_PROBLEMS["callback_time_missing"])
    try:
        with unit_of_work() as session:
            found = service.propose(session, task_id=task_id, report=report)
            number = _number_words(session, task_id, found, moment)
    except AttemptInvalid as problem:
        return jsonify(text=words.problem_words(problem.code), problem=True)
    return jsonify(text=words.consequence_words(found, moment, g.hcrm_facility.zone) + number)


def _number_words(session: Any, task_id: int, found: Consequence, moment: datetime) -> str:
    """Which number to try, where the rules name one."""
    if found.status is not TaskStatus.OPEN or found.next_contact_point_id is None:
        return ""
    view = call_view(session, task_id, now=moment)
    number = next((each for each in view.numbers if each.contact.id == found.next_contact_point_id), None)
    if number is None or number.contact.number is None:
        return ""
    shown = words.dialled(number.contact.number, view.facility.country)
    sentence = _("Number: %(number)s (%(owner)s).", number=shown, owner=words.owner_words(number.contact))
    return f" {sentence}"


@blueprint.post("/calls/<int:task_id>/cancel")
@requires(Action.WORK_TASKS)
def cancel(task_id: int) -> ResponseReturnValue:
    """Cancel the task by hand, with a reason."""
    access = allowed(task_id)
    form = CancelForm()
    if not form.validate_on_submit():
        flash(_("Choose a reason."), "high")
        return redirect(url_for("followup.call", task_id=task_id))
    moment, actor = now(), current_actor()
    with unit_of_work() as session:
        service.cancel_tasks(
            session, task_ids=[task_id], reason=TaskReason(form.reason.data), user_id=actor.user_id, now=moment
        )
        _audited(session, "task.cancelled", task_id, access, moment)
    forget(task_id)
    flash(_("The task is cancelled. It can be opened again."), "good")
    return redirect(url_for("followup.call", task_id=task_id))


@blueprint.post("/calls/<int:task_id>/reopen")
@requires(Action.WORK_TASKS)
def reopen(task_id: int) -> ResponseReturnValue:
    """Take a cancellation back."""
    access = allowed(task_id)
    moment = now()
    with unit_of_work() as session:
        opened = service.undo_cancellation(session, task_ids=[task_id], now=moment)
        _audited(session, "task.reopened", task_id, access, moment)
    if opened:
        flash(_("The task is open again."), "good")
    else:
        flash(_("This task cannot be opened again."), "high")
    return redirect(url_for("followup.call", task_id=task_id))


@blueprint.post("/calls/<int:task_id>/home-visit")
@requires(Action.WORK_TASKS)
def home_visit(task_id: int) -> ResponseReturnValue:
    """Flag the patient for a home visit by the outreach team."""
    access = allowed(task_id)
    moment = now()
    try:
        with unit_of_work() as session:
            added = service.add_step(session, task_id=task_id, step_code="home_visit", now=moment)
            _audited(session, "task.home_visit_asked", task_id, access, moment)
    except (service.UnknownStep, service.UnknownTask):
        abort(404)
    if added is None:
        flash(_("A home visit is planned already."), "info")
    else:
        flash(_("A home visit is asked for. The outreach team sees it when its time has come."), "good")
    return redirect(url_for("followup.call", task_id=task_id))


def _audited(session: Any, action: str, task_id: int, access: Any, moment: datetime) -> None:
    record(
        session,
        now=moment,
        action=action,
        actor_user_id=current_actor().user_id,
        facility_id=access.facility_id,
        object_kind="task",
        object_id=task_id,
        patient_id=access.patient_id,
    )
