"""Re-calls for the quality office: where a patient's account and the record differ, and records that look odd."""

from __future__ import annotations

from datetime import timedelta

from flask import abort, flash, g, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.audit.service import record
from hcrm.followup import queries, service
from hcrm.followup.domain.recall import Finding, Verdict
from hcrm.followup.forms import recalls as recall_words
from hcrm.followup.forms import words
from hcrm.followup.routes.blueprint import blueprint
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now

SHOWN = timedelta(days=60)


@blueprint.get("/recalls")
@requires(Action.VIEW_RECALLS)
def recalls() -> ResponseReturnValue:
    """The last sixty days; never open to the wards that are checked."""
    moment = now()
    with unit_of_work() as session:
        found = queries.recalls(session, g.hcrm_facility.id, since=moment - SHOWN)
        record(
            session,
            now=moment,
            action="recalls.viewed",
            actor_user_id=current_actor().user_id,
            facility_id=g.hcrm_facility.id,
            details={"rows": len(found.to_look_into) + len(found.odd)},
        )
        return render_template(
            "followup/recalls.html",
            found=found,
            verdicts=Verdict,
            days=SHOWN.days,
            form=recall_words.ReviewForm(formdata=None),
            labels=recall_words,
            words=words,
            now=moment,
            zone=g.hcrm_facility.zone,
        )


@blueprint.post("/recalls/<int:task_id>")
@requires(Action.VIEW_RECALLS)
def review(task_id: int) -> ResponseReturnValue:
    """Enter what was found out about a call."""
    with unit_of_work() as session:
        access = queries.task_access(session, task_id, current_actor().user_id)
    if access is None:
        abort(404)
    require_object(Action.VIEW_RECALLS, access.facility_id)
    form = recall_words.ReviewForm()
    if not form.validate_on_submit():
        flash(_("Choose what was found out, and write how."), "high")
        return redirect(url_for("followup.recalls"))
    with unit_of_work() as session:
        service.review_call(
            session,
            task_id=task_id,
            finding=Finding(form.finding.data),
            note=form.note.data,
            user_id=current_actor().user_id,
            now=now(),
        )
    flash(_("The finding is kept."), "good")
    return redirect(url_for("followup.recalls"))
