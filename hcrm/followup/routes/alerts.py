"""Alerts: what needs somebody now, who has it, and what was done."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from urllib.parse import urlencode

from flask import abort, flash, g, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import audit_denial, current_actor, require_object, requires
from hcrm.audit.service import record
from hcrm.followup import service
from hcrm.followup.domain.alerts import QUALITY, AlertAction, AlertInvalid
from hcrm.followup.forms import AlertFilterForm, ResolveForm, labels, words
from hcrm.followup.queries import (
    AlertItem,
    alert_counts,
    alert_list,
    day_of,
    one_alert,
    resolved_today,
    task_to_call,
)
from hcrm.followup.routes.blueprint import blueprint
from hcrm.survey.domain import Cause
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now


@blueprint.get("/alerts")
@requires(Action.VIEW_ALERTS)
def alerts() -> ResponseReturnValue:
    """The list, the alert with the least time left opened beside it."""
    return _page(None, ResolveForm())


@blueprint.get("/alerts/<int:alert_id>")
@requires(Action.VIEW_ALERTS)
def alert(alert_id: int) -> ResponseReturnValue:
    """The list with one alert opened beside it."""
    _allowed(alert_id, Action.VIEW_ALERTS)
    return _page(alert_id, ResolveForm())


def may_work_on(alert_id: int) -> None:
    """Whether the person may work on this alert was decided when this returns: 404 or 403 otherwise."""
    _allowed(alert_id, Action.WORK_ALERTS)


def _allowed(alert_id: int, action: Action) -> None:
    """404 without such an alert, 403 when it is not of the person's wards."""
    with unit_of_work() as session:
        item = one_alert(session, alert_id)
        found = None if item is None else (item.alert.facility_id, _wards(item))
        owner = None if item is None else item.alert.owner_role
    if found is None:
        abort(404)
    require_object(action, *found)
    if owner == QUALITY and _of_ward_only():
        audit_denial(action.value, facility_id=found[0])
        abort(403)


def _of_ward_only() -> bool:
    """The person sees single wards; what patients say about a ward's own calls is not for them."""
    scope = scope_of(current_actor(), Action.VIEW_ALERTS)
    return all(wards is not None for wards in scope.departments.values())


def _wards(item: AlertItem) -> frozenset[int]:
    own = frozenset() if item.alert.department_id is None else frozenset({item.alert.department_id})
    return own if item.stay is None else own | item.stay.department_ids


def _page(alert_id: int | None, form: ResolveForm, problem: str = "") -> ResponseReturnValue:
    actor, moment = current_actor(), now()
    filters = AlertFilterForm(request.args).filters()
    day = day_of(g.hcrm_facility, moment)
    with unit_of_work() as session:
        listed = alert_list(session, actor, filters)
        chosen = one_alert(session, alert_id) if alert_id is not None else next(iter(listed), None)
        if chosen is not None:
            _look(session, chosen, moment)
            form.offer(corrected=chosen.alert.corrected_at is not None)
        return render_template(
            "followup/alerts.html",
            listed=listed[: filters.rows],
            chosen=chosen,
            picked=alert_id is not None,
            call_task_id=task_to_call(session, chosen.alert) if chosen is not None else None,
            counts=alert_counts(session, actor, now=moment, day_begins=day.begins),
            resolved=resolved_today(session, actor, day_begins=day.begins),
            filters=filters,
            form=form,
            problem=problem,
            address=_address,
            now=moment,
            zone=g.hcrm_facility.zone,
            country=g.hcrm_facility.country,
            labels=labels,
            words=words,
        )


def _look(session: object, item: AlertItem, moment: datetime) -> None:
    record(
        session,  # type: ignore[arg-type]  # a database session
        now=moment,
        action="alert.viewed",
        actor_user_id=current_actor().user_id,
        facility_id=item.alert.facility_id,
        object_kind="alert",
        object_id=item.alert.id,
        patient_id=item.alert.patient_id,
    )


def _address(**changes: object) -> str:
    """The address of the list with other filters; a filter of None is taken out."""
    wanted: dict[str, object] = {name: value for name, value in request.args.items() if name not in changes}
    wanted |= {name: value for name, value in changes.items() if value is not None}
    question = urlencode(wanted)
    return url_for("followup.alerts") + (f"?{question}" if question else "")


def _act(alert_id: int, step: Callable[..., None], done: str) -> ResponseReturnValue:
    _allowed(alert_id, Action.WORK_ALERTS)
    try:
        with unit_of_work() as session:
            step(session, alert_id=alert_id, user_id=current_actor().user_id, now=now())
    except AlertInvalid as problem:
        flash(str(labels.ALERT_PROBLEMS[problem.code]), "high")
    else:
        flash(done, "good")
    if "call" in request.form:
        with unit_of_work() as session:
            item = one_alert(session, alert_id)
            task_id = None if item is None else task_to_call(session, item.alert)
        if task_id is not None:
            return redirect(url_for("followup.call", task_id=task_id))
    return redirect(url_for("followup.alert", alert_id=alert_id))


@blueprint.post("/alerts/<int:alert_id>/acknowledge")
@requires(Action.WORK_ALERTS)
def acknowledge(alert_id: int) -> ResponseReturnValue:
    """Somebody has seen it and is responsible now."""
    return _act(alert_id, service.acknowledge_alert, _("You have acknowledged this alert. It is yours now."))


@blueprint.post("/alerts/<int:alert_id>/take")
@requires(Action.WORK_ALERTS)
def take(alert_id: int) -> ResponseReturnValue:
    """Begin to work on it, or take it over."""
    return _act(alert_id, service.take_alert, _("You are dealing with this alert now."))


@blueprint.post("/alerts/<int:alert_id>/resolve")
@requires(Action.WORK_ALERTS)
def resolve(alert_id: int) -> ResponseReturnValue:
    """Close it with cause, action and what was found."""
    _allowed(alert_id, Action.WORK_ALERTS)
    form = ResolveForm()
    if not form.validate_on_submit():
        return _page(alert_id, form)
    try:
        with unit_of_work() as session:
            service.resolve_alert(
                session,
                alert_id=alert_id,
                user_id=current_actor().user_id,
                cause=Cause(form.cause.data),
                action=AlertAction(form.action.data),
                note=form.note.data,
                now=now(),
            )
    except AlertInvalid as problem:
        return _page(alert_id, form, str(labels.ALERT_PROBLEMS[problem.code]))
    flash(_("The alert is closed."), "good")
    return redirect(url_for("followup.alerts"))
