"""The auditor's page: who saw or changed what, and when. It lives here because the audit itself knows no users."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action, scope_of
from hcrm.accounts.guard import current_actor, requires
from hcrm.accounts.queries import user_names, users
from hcrm.accounts.routes.blueprint import blueprint
from hcrm.audit import queries
from hcrm.audit.domain import EntryFilter
from hcrm.audit.forms import ACTION_LABELS, ACTOR_LABELS, OBJECT_LABELS, AuditFilterForm
from hcrm.audit.service import record
from hcrm.unit_of_work import unit_of_work
from hcrm.web import choices, now, settings

PAGE_SIZE = 50
LAST_DAY = date.max - timedelta(days=2)
"""The last day after which there is another one in every zone."""


@blueprint.get("/audit")
@requires(Action.VIEW_AUDIT)
def audit() -> ResponseReturnValue:
    """The newest entries that match the filter in the address; looking is audited too."""
    facility_ids = scope_of(current_actor(), Action.VIEW_AUDIT).facility_ids
    form = _filter_form(facility_ids)
    wanted = _wanted(form, facility_ids)
    before = request.args.get("before", type=int)
    with unit_of_work() as session:
        found = queries.entries(session, wanted, before_id=before, limit=PAGE_SIZE + 1)
        names = user_names(session, {entry.actor_user_id for entry in found if entry.actor_user_id is not None})
        record(session, now=now(), action="audit.viewed", actor_user_id=current_actor().user_id)
    entries, more = found[:PAGE_SIZE], len(found) > PAGE_SIZE
    arguments = {**request.args.to_dict(), "before": entries[-1].id} if more else None
    labels = {"actions": ACTION_LABELS, "actors": ACTOR_LABELS, "objects": OBJECT_LABELS}
    return render_template("audit/audit.html", form=form, entries=entries, names=names, older=arguments, **labels)


def _filter_form(facility_ids: frozenset[int]) -> AuditFilterForm:
    form = AuditFilterForm(request.args)
    with unit_of_work() as session:
        people = users(session, facility_ids)
        actions = queries.actions(session)
    named = [(str(person.user_id), person.display_name) for person in people]
    form.who.choices = choices([("", _("Everybody")), *named])
    labelled = [(action, str(ACTION_LABELS.get(action, action))) for action in actions]
    form.action.choices = choices([("", _("Everything")), *sorted(labelled, key=lambda choice: choice[1])])
    return form


def _wanted(form: AuditFilterForm, facility_ids: frozenset[int]) -> EntryFilter:
    """The filter; what could not be read is left out, and the form says so."""
    form.validate()
    zone = g.get("hcrm_zone") or ZoneInfo(settings().hospital_timezone)
    given = {field.name: field.data for field in form if not field.errors and field.data}
    until = min(given["until"], LAST_DAY) if "until" in given else None
    return EntryFilter(
        facility_ids=facility_ids,
        actor_user_id=int(given["who"]) if "who" in given else None,
        patient_id=given.get("patient"),
        action=given.get("action", ""),
        since=datetime.combine(given["since"], time.min, zone) if "since" in given else None,
        until=datetime.combine(until + timedelta(days=1), time.min, zone) if until else None,
    )
