"""Today: one list of what to do, the most important first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import g, render_template, request, url_for
from flask.typing import ResponseReturnValue

from hcrm.accounts.domain import Action, Role
from hcrm.accounts.guard import current_actor, requires
from hcrm.audit.service import record
from hcrm.followup.domain.worklist import WorkState
from hcrm.followup.forms import FilterForm, labels, words
from hcrm.followup.queries import (
    Listed,
    day_of,
    desk_of,
    one_row_each,
    step_names,
    urgent_alerts,
    wards_of,
    work_counts,
    work_list,
    work_rows,
)
from hcrm.followup.routes.blueprint import blueprint
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now

MORE = 50


@blueprint.get("/today")
@requires(Action.VIEW_TODAY)
def today() -> ResponseReturnValue:
    """The work list of the person who is logged in."""
    actor, moment = current_actor(), now()
    form = FilterForm(request.args)
    filters = form.filters()
    day = day_of(g.hcrm_facility, moment)
    with unit_of_work() as session:
        desk = desk_of(session, actor, moment)
        listed = work_list(session, actor, filters, day, desk)
        shown, together = one_row_each(listed[: filters.rows], moment)
        wards = wards_of(session, actor)
        rows = work_rows(session, shown, actor.user_id, wards)
        first_page = filters.state is WorkState.TO_DO and filters.tier is None and not filters.mine
        alerts = urgent_alerts(session, actor) if first_page else []
        record(
            session,
            now=moment,
            action="worklist.viewed",
            actor_user_id=actor.user_id,
            facility_id=g.hcrm_facility.id,
            details={"rows": len(rows)},
        )
        return render_template(
            "followup/today.html",
            rows=rows,
            together=together,
            alerts=alerts,
            counts=work_counts(session, actor, filters, day, desk),
            more=filters.rows + MORE if len(listed) > filters.rows else 0,
            form=form,
            filters=filters,
            departments=_own_departments(wards[g.hcrm_facility.id]),
            step_names=_names_of_steps(session, listed),
            address=_address,
            may_call=any(role is not Role.MANAGER for role in actor.roles),
            now=moment,
            zone=g.hcrm_facility.zone,
            most_attempts=g.hcrm_facility.settings.max_attempts,
            country=g.hcrm_facility.country,
            labels=labels,
            words=words,
        )


def _own_departments(known: Mapping[int, Any]) -> list[Any]:
    """The departments that the person's memberships allow; all of them where one has no limit."""
    own = [each for each in current_actor().memberships if each.facility_id == g.hcrm_facility.id]
    limits = {each.department_id for each in own}
    return [ward for ward in known.values() if None in limits or ward.id in limits]


def _names_of_steps(session: Any, listed: Sequence[Listed]) -> dict[str, tuple[str, str]]:
    """What the hospital's own plans call their steps; the product's have their names in the catalogue."""
    named = all(each.task.step_code in labels.STEPS for each in listed)
    return {} if named else step_names(session, g.hcrm_facility.id)


def _address(**changes: object) -> str:
    """The address of this list with other filters; a filter of None is taken out."""
    wanted: dict[str, object] = {name: value for name, value in request.args.items() if name not in changes}
    wanted |= {name: value for name, value in changes.items() if value is not None}
    question = urlencode(wanted)
    return url_for("followup.today") + (f"?{question}" if question else "")
