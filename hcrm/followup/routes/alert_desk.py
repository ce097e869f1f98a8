"""Alerts, further: the count that pages keep asking for, handing an alert over, how long alerts waited."""

from __future__ import annotations

from datetime import timedelta

from flask import flash, g, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, requires
from hcrm.followup import service
from hcrm.followup.domain.alerts import AlertInvalid
from hcrm.followup.forms import labels, words
from hcrm.followup.forms.desk import alert_receiver_form
from hcrm.followup.queries import alert_receivers, alert_times, live_alerts, one_alert
from hcrm.followup.routes.alerts import may_work_on
from hcrm.followup.routes.blueprint import blueprint
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now

MEASURED = timedelta(days=30)


@blueprint.get("/alerts/live")
@requires(Action.VIEW_ALERTS)
def live() -> ResponseReturnValue:
    """How many alerts nobody has claimed, how many are urgent, and the number of the newest urgent one."""
    with unit_of_work() as session:
        found = live_alerts(session, current_actor())
    answer = jsonify(total=found.total, urgent=found.urgent, newest=found.newest)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.get("/alerts/times")
@requires(Action.VIEW_ALERTS)
def times() -> ResponseReturnValue:
    """How long alerts of the last thirty days waited until they were acknowledged and resolved."""
    moment = now()
    with unit_of_work() as session:
        found = alert_times(session, current_actor(), since=moment - MEASURED, now=moment)
    return render_template(
        "followup/alert_times.html",
        times=found,
        days=MEASURED.days,
        labels=labels,
        words=words,
        zone=g.hcrm_facility.zone,
    )


@blueprint.route("/alerts/<int:alert_id>/hand-over", methods=["GET", "POST"])
@requires(Action.WORK_ALERTS)
def hand_over(alert_id: int) -> ResponseReturnValue:
    """Hand the alert to a colleague, whose clock begins to run."""
    may_work_on(alert_id)
    actor = current_actor()
    with unit_of_work() as session:
        item = one_alert(session, alert_id)
        form = alert_receiver_form(alert_receivers(session, item) if item else [], but=actor.user_id)
        if not form.validate_on_submit():
            return render_template("followup/hand_over_alert.html", item=item, form=form, labels=labels, words=words)
    try:
        with unit_of_work() as session:
            service.hand_over_alert(
                session, alert_id=alert_id, to_user_id=int(form.to.data), user_id=actor.user_id, now=now()
            )
    except AlertInvalid as problem:
        flash(str(labels.ALERT_PROBLEMS[problem.code]), "high")
    else:
        flash(_("The alert is handed over. The ladder runs again until it is acknowledged."), "good")
    return redirect(url_for("followup.alert", alert_id=alert_id))
