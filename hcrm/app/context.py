"""What every template can use: the navigation by role, the hospital's name and zone, languages, filters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from flask import Flask, g, redirect, request
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as _l

from hcrm import web
from hcrm.accounts.domain import Action, Actor, Role, permitted
from hcrm.accounts.forms import ROLE_LABELS
from hcrm.accounts.guard import actor_or_none, current_actor, own_facilities, picked_facility, requires
from hcrm.followup.domain.risk import MOST_POINTS
from hcrm.followup.forms.labels import RISK_PARTS
from hcrm.followup.queries.risk import StayRisk
from hcrm.followup.queries.risk import patient_risk as risk_of_patient
from hcrm.organization.domain import FacilitySnapshot
from hcrm.organization.queries import facility
from hcrm.unit_of_work import reading, unit_of_work
from hcrm.web import Count
from hcrm.wiring import NAV_COUNTS


@dataclass(frozen=True, slots=True)
class Entry:
    """A place in the navigation: who may go there, and the count beside it."""

    address: str
    label: str
    action: Action
    count: str = ""
    demo_only: bool = False
    setting_up: bool = False
    """Whether it is a place for shaping the program, not for the day's work."""
    behind: str = ""
    """Where the pages begin that are reached from there and have another address."""


ENTRIES = (
    Entry("/overview", _l("Overview"), Action.VIEW_FIGURES, behind="/figures"),
    Entry("/today", _l("Today"), Action.VIEW_TODAY),
    Entry("/workload", _l("Workload"), Action.ASSIGN_TASKS),
    Entry("/patients", _l("Patients"), Action.VIEW_PATIENT),
    Entry("/visits", _l("Appointments"), Action.VIEW_APPOINTMENTS),
    Entry("/home-visits", _l("Home visits"), Action.PLAN_VISITS),
    Entry("/alerts", _l("Alerts"), Action.VIEW_ALERTS, count="alerts"),
    Entry("/recalls", _l("Re-calls"), Action.VIEW_RECALLS),
    Entry("/inbox", _l("Inbox"), Action.VIEW_INBOX, count="inbox"),
    Entry("/questionnaires", _l("Questionnaires"), Action.EDIT_SURVEYS, setting_up=True),
    Entry("/plans", _l("Plans"), Action.EDIT_PLANS, setting_up=True),
    Entry("/templates", _l("Texts"), Action.EDIT_TEMPLATES, setting_up=True),
    Entry("/imports", _l("Imports"), Action.IMPORT_RECORDS, setting_up=True),
    Entry("/users", _l("Users"), Action.ADMINISTER, setting_up=True),
    Entry("/departments", _l("Departments"), Action.ADMINISTER, setting_up=True),
    Entry("/hospital", _l("Hospital"), Action.ADMINISTER, setting_up=True),
    Entry("/audit", _l("Audit"), Action.VIEW_AUDIT, setting_up=True),
    Entry("/handset", _l("Handset"), Action.VIEW_HANDSET, demo_only=True),
)
"""The navigation, in order."""

MOST_ENTRIES = 7
"""Who may go to more places than that finds those for setting up behind one entry, and in a second row there."""

FIRST_SCREEN = {
    Role.NURSE: "/today",
    Role.PHYSICIAN: "/today",
    Role.SERVICE_AGENT: "/today",
    Role.OUTREACH_WORKER: "/today",
    Role.DEPARTMENT_HEAD: "/overview",
    Role.MANAGER: "/overview",
    Role.COMPLAINTS_OFFICER: "/inbox",
    Role.QUALITY_OFFICER: "/overview",
    Role.ADMINISTRATOR: "/imports",
    Role.GROUP_ADMINISTRATOR: "/overview",
    Role.AUDITOR: "/audit",
}
"""What each role comes for."""


@dataclass(frozen=True, slots=True)
class Item:
    """An entry as it is shown to one person on one page."""

    address: str
    label: str
    current: bool
    count: Count | None = field(default=None)


@requires(Action.USE_ACCOUNT)
def start() -> ResponseReturnValue:
    """The first screen of the person's first role; the account page when there is no role yet."""
    roles = current_actor().roles
    return redirect(FIRST_SCREEN[roles[0]] if roles else "/account")


def navigation() -> Sequence[Item]:
    """The entries that the person may use, with their counts."""
    actor = actor_or_none()
    if actor is None:
        return ()
    allowed = _allowed(actor)
    counts = _counts(actor, frozenset(entry.count for entry in allowed))
    gathered = _gathered(allowed)
    items = [
        Item(entry.address, entry.label, _is_current(entry), counts.get(entry.count))
        for entry in allowed
        if entry not in gathered
    ]
    if gathered:
        here = any(_is_current(entry) for entry in gathered)
        items.append(Item(gathered[0].address, _l("Set up"), current=here))
    return items


def second_navigation() -> Sequence[Item]:
    """On a page for setting up: the places behind that entry of the navigation, if they are gathered there."""
    actor = actor_or_none()
    gathered = _gathered(_allowed(actor)) if actor else []
    items = [Item(entry.address, entry.label, _is_current(entry)) for entry in gathered]
    return items if any(item.current for item in items) else ()


def _allowed(actor: Actor) -> list[Entry]:
    demo = web.settings().demo
    return [entry for entry in ENTRIES if permitted(actor, entry.action) and (demo or not entry.demo_only)]


def _gathered(allowed: Sequence[Entry]) -> list[Entry]:
    setting_up = [entry for entry in allowed if entry.setting_up]
    return setting_up if len(allowed) > MOST_ENTRIES and 1 < len(setting_up) < len(allowed) - 2 else []


def _is_current(entry: Entry) -> bool:
    begins = [address for address in (entry.address, entry.behind) if address]
    return any(request.path == address or request.path.startswith(f"{address}/") for address in begins)


def _counts(actor: Actor, names: frozenset[str]) -> dict[str, Count]:
    wanted = {name: provide for name, provide in NAV_COUNTS.items() if name in names}
    if not wanted:
        return {}
    with reading() as session:
        return {name: provide(session, actor) for name, provide in wanted.items()}


def load_facility() -> None:
    """Before each page of somebody logged in: the facility they have picked, else their first, whose name and zone the
    page shows.
    """
    if request.endpoint in {None, "static", "vendor.bootstrap", "vendor.plotly"}:
        return
    actor = actor_or_none()
    if actor is None or not actor.facility_ids:
        return
    with unit_of_work() as session:
        g.hcrm_facility = facility(session, actor.facility_ids[0])
    g.hcrm_zone = g.hcrm_facility.zone


def hospital_name() -> str:
    """The facility's name in the language of the page; the product's where nobody is logged in."""
    found: FacilitySnapshot | None = g.get("hcrm_facility")
    if found is None:
        return "HCRM"
    return found.name_zh if web.language() == "zh_Hans" and found.name_zh else found.name


def facility_choices() -> list[tuple[int, str]]:
    """(id, name) of the facilities of somebody who has several; nothing for all others."""
    own = own_facilities()
    if len(own) < 2:
        return []
    with reading() as session:
        return [(each, facility(session, each).name_in(web.language())) for each in own]


def other_languages() -> list[tuple[str, str]]:
    """(locale, own name) of the languages that the page is not in."""
    return [(code, name) for code, name in web.LANGUAGES.items() if code != web.language()]


def role_label() -> str:
    """What the person is, in small letters as inside a sentence; empty without a membership."""
    actor = actor_or_none()
    return str(ROLE_LABELS[actor.roles[0]]).lower() if actor and actor.roles else ""


def patient_risk(patient_id: int) -> StayRisk | None:
    """The risk of coming back after the last stay of this person, for their page."""
    with reading() as session:
        return risk_of_patient(session, patient_id)


def init_app(app: Flask) -> None:
    """Add what templates use."""
    app.before_request(load_facility)
    app.add_url_rule("/", "start", start)
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    texts = (web.gettext, web.unfilled_ngettext)
    app.jinja_env.install_gettext_callables(*texts, newstyle=True)  # type: ignore[attr-defined]
    app.jinja_env.globals.update(
        navigation=navigation,
        second_navigation=second_navigation,
        facility_choices=facility_choices,
        other_languages=other_languages,
        picked_facility=picked_facility,
        role_label=role_label,
        patient_risk=patient_risk,
        risk_parts=RISK_PARTS,
        risk_most=MOST_POINTS,
        actor=actor_or_none,
        asset=web.asset,
        language=web.language,
        locale_code=web.locale_code,
    )
    for filter_ in (
        web.local_date,
        web.local_datetime,
        web.local_time,
        web.long_date,
        web.month,
        web.weekday,
        web.number,
        web.percent,
        web.plain_date,
    ):
        app.jinja_env.filters[filter_.__name__] = filter_

    @app.context_processor
    def values() -> dict[str, object]:
        return {"hospital_name": hospital_name(), "settings": web.settings()}
