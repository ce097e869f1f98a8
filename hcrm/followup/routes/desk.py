"""The head nurse's desk: who has how much to do, giving tasks to others, absences, the accounts of doctors."""

from __future__ import annotations

from typing import Any

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from hcrm.accounts.domain import Action, Role, permitted
from hcrm.accounts.forms import ROLE_LABELS
from hcrm.accounts.guard import current_actor, requires
from hcrm.accounts.queries import UserSnapshot, user_names, users
from hcrm.audit.service import record
from hcrm.followup import service
from hcrm.followup.domain.desk import AbsenceInvalid
from hcrm.followup.forms import labels, words
from hcrm.followup.forms.desk import AbsenceForm, absence_form, assign_form
from hcrm.followup.queries import (
    absence_items,
    colleagues,
    day_of,
    doctors,
    loads,
    tasks_of_person,
    wards_of,
    work_rows,
)
from hcrm.followup.routes.blueprint import blueprint
from hcrm.followup.routes.call import allowed
from hcrm.followup.routes.in_hand import forget
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now

MOST = 200
"""Tasks that can be given to somebody at once."""

LONGEST_ID = 18
"""Digits of the largest number that the database takes."""


@blueprint.get("/workload")
@requires(Action.ASSIGN_TASKS)
def workload() -> ResponseReturnValue:
    """Who has how much to do; the tasks of one person, or of nobody, to be given to others."""
    return _page(None)


def _page(form: AbsenceForm | None) -> str:
    actor, moment = current_actor(), now()
    day = day_of(g.hcrm_facility, moment)
    whose = _whose()
    today = moment.astimezone(g.hcrm_facility.zone).date()
    with unit_of_work() as session:
        people = colleagues(session, actor, Action.ASSIGN_TASKS)
        listed = tasks_of_person(session, actor, day, whose, rows=MOST)
        load = {each.user_id: each for each in loads(session, actor, day)}
        _note(session, len(listed))
        return render_template(
            "followup/workload.html",
            people=people,
            load=load,
            names=user_names(session, {each for each in load if each is not None}),
            whose=whose,
            rows=work_rows(session, listed, actor.user_id, wards_of(session, actor)),
            absences=absence_items(session, g.hcrm_facility.id, today, {each.user_id for each in people}),
            form=form or absence_form(people),
            assign=assign_form(people),
            roles=ROLE_LABELS,
            may_name_doctors=permitted(actor, Action.ADMINISTER),
            today=today,
            now=moment,
            zone=g.hcrm_facility.zone,
            labels=labels,
            words=words,
        )


def _whose() -> int | None:
    """The person in the address; what cannot be the number of one is nobody."""
    return _number(request.args.get("of", ""))


def _number(given: str) -> int | None:
    """A number that can be an id; None for anything else."""
    return int(given) if given.isascii() and given.isdigit() and len(given) <= LONGEST_ID else None


def _note(session: Any, shown: int) -> None:
    record(
        session,
        now=now(),
        action="workload.viewed",
        actor_user_id=current_actor().user_id,
        facility_id=g.hcrm_facility.id,
        details={"rows": shown},
    )


@blueprint.post("/workload/assign")
@requires(Action.ASSIGN_TASKS)
def assign_many() -> ResponseReturnValue:
    """Give the ticked tasks to somebody."""
    actor = current_actor()
    with unit_of_work() as session:
        form = assign_form(colleagues(session, actor, Action.ASSIGN_TASKS))
    chosen = [
        int(each)
        for each in request.form.getlist("task")
        if each.isascii() and each.isdigit() and len(each) <= LONGEST_ID
    ]
    if not chosen[:MOST] or not form.validate_on_submit():
        flash(_("Tick at least one task and choose a person."), "high")
    else:
        with unit_of_work() as session:
            given = service.assign_tasks(
                session,
                task_ids=chosen,
                to_user_id=form.user_id(),
                actor=actor,
                action=Action.ASSIGN_TASKS,
                now=now(),
            )
        _say_given(given, len(chosen))
    return redirect(url_for("followup.workload", of=_whose()))


def _say_given(given: int, asked: int) -> None:
    flash(ngettext("%(num)s task is given.", "%(num)s tasks are given.", given), "good" if given else "high")
    if given < asked:
        left = asked - given
        sentence = ngettext(
            "%(num)s stayed where it was: it is open on a screen, done already, or not for this person.",
            "%(num)s stayed where they were: open on a screen, done already, or not for this person.",
            left,
        )
        flash(sentence, "info")


@blueprint.route("/calls/<int:task_id>/assign", methods=["GET", "POST"])
@requires(Action.WORK_TASKS)
def assign_one(task_id: int) -> ResponseReturnValue:
    """Hand the task in hand to a colleague."""
    allowed(task_id)
    actor = current_actor()
    with unit_of_work() as session:
        form = assign_form(colleagues(session, actor, Action.WORK_TASKS))
    if not form.validate_on_submit():
        return render_template("followup/hand_over.html", task_id=task_id, form=form)
    with unit_of_work() as session:
        given = service.assign_tasks(
            session, task_ids=[task_id], to_user_id=form.user_id(), actor=actor, action=Action.WORK_TASKS, now=now()
        )
    if not given:
        flash(_("This person cannot have this task."), "high")
        return redirect(url_for("followup.call", task_id=task_id))
    forget(task_id)
    flash(_("The task is handed over."), "good")
    return redirect(url_for("followup.today"))


@blueprint.post("/absences")
@requires(Action.ASSIGN_TASKS)
def add_absence() -> ResponseReturnValue:
    """Enter that somebody is away, and who stands in."""
    actor = current_actor()
    with unit_of_work() as session:
        form = absence_form(colleagues(session, actor, Action.ASSIGN_TASKS))
    if not form.validate_on_submit():
        return _page(form), 422
    try:
        with unit_of_work() as session:
            service.add_absence(session, facility_id=g.hcrm_facility.id, absence=form.absence(), actor=actor, now=now())
    except AbsenceInvalid as problem:
        form.until_on.errors = [labels.ABSENCE_PROBLEMS[problem.code]]
        return _page(form), 422
    flash(_("The absence is entered. The stand-in sees the tasks as their own from its first day."), "good")
    return redirect(url_for("followup.workload"))


@blueprint.post("/absences/<int:absence_id>/remove")
@requires(Action.ASSIGN_TASKS)
def remove_absence(absence_id: int) -> ResponseReturnValue:
    """Take an absence out."""
    with unit_of_work() as session:
        removed = service.remove_absence(
            session, facility_id=g.hcrm_facility.id, absence_id=absence_id, actor=current_actor(), now=now()
        )
    if not removed:
        abort(404)
    flash(_("The absence is taken out."), "good")
    return redirect(url_for("followup.workload"))


@blueprint.get("/doctors")
@requires(Action.ADMINISTER)
def named_doctors() -> ResponseReturnValue:
    """Which account each doctor of the records has: their patients' first calls come to them."""
    with unit_of_work() as session:
        listed = doctors(session, g.hcrm_facility.id)
        return render_template("followup/doctors.html", doctors=listed, accounts=_doctors_accounts(session))


def _doctors_accounts(session: Any) -> dict[str, UserSnapshot]:
    """Active accounts of physicians by user name."""
    return {
        each.username: each
        for each in users(session, [g.hcrm_facility.id])
        if each.active and any(one.role is Role.PHYSICIAN for one in each.memberships)
    }


@blueprint.post("/doctors")
@requires(Action.ADMINISTER)
def name_doctors() -> ResponseReturnValue:
    """Keep which account each doctor has; an empty name takes it away."""
    with unit_of_work() as session:
        listed, accounts = doctors(session, g.hcrm_facility.id), _doctors_accounts(session)
    given = {one: request.form.get(f"account-{one}", "").strip() for one, _code, _name, _user in listed}
    unknown = sorted({name for name in given.values() if name and name not in accounts})
    if unknown:
        flash(_("There is no doctor's account with this user name: %(names)s", names=", ".join(unknown[:5])), "high")
        return redirect(url_for("followup.named_doctors"))
    chosen = {one: accounts[name].user_id if name else None for one, name in given.items()}
    changed = {one: chosen[one] for one, _c, _n, user in listed if chosen[one] != (user.user_id if user else None)}
    with unit_of_work() as session:
        service.name_doctors(
            session, facility_id=g.hcrm_facility.id, accounts=changed, actor=current_actor(), now=now()
        )
    flash(_("Saved."), "good")
    return redirect(url_for("followup.named_doctors"))
