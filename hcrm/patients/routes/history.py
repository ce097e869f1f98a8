"""A patient's timeline as it is shown: entries of all packages, in words, by day."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext

from hcrm.accounts.domain import Scope
from hcrm.accounts.queries import user_names
from hcrm.organization.domain import FacilitySnapshot
from hcrm.organization.queries import clinicians, departments
from hcrm.patients.domain import ConsentChannel, ConsentPurpose, Disposition, EncounterClass, TimelineEntry
from hcrm.patients.forms import labels
from hcrm.unit_of_work import unit_of_work
from hcrm.web import language, local_datetime, long_date, weekday

ICONS = {
    "stay": "bed",
    "task": "calendar",
    "call": "phone",
    "message": "message",
    "survey": "form",
    "alert": "flag",
    "record": "file",
    "appointment": "calendar",
}
FILTERS: Mapping[str, frozenset[str]] = {
    "calls": frozenset({"call", "task"}),
    "messages": frozenset({"message", "survey"}),
    "stays": frozenset({"stay"}),
    "alerts": frozenset({"alert"}),
}
"""What can be shown alone, and the kinds of entries in it."""

Source = Callable[[Any, Sequence[int]], list[TimelineEntry]]


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in words; ``sign`` is (kind, word) of its state, ``address`` where it can be opened, ``why`` where
    it is told which rules brought it about.
    """

    at: datetime
    when: str
    icon: str
    title: str
    details: tuple[str, ...]
    quote: str
    sign: tuple[str, str] | None
    address: str | None
    why: str | None = None


@dataclass(frozen=True, slots=True)
class Day:
    """The entries under one heading."""

    heading: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Names:
    """Names by id of what entries refer to."""

    users: Mapping[int, str]
    departments: Mapping[int, str]
    clinicians: Mapping[int, str]


def entries_of(records: Sequence[int]) -> list[TimelineEntry]:
    """What all packages know of the person with these records."""
    sources = cast("Iterable[Source]", current_app.extensions["hcrm.timeline"])
    with unit_of_work() as session:
        return [entry for source in sources for entry in source(session, records)]


def names_in(facility_id: int, entries: Iterable[TimelineEntry]) -> Names:
    """Names of the people and departments that the entries refer to."""
    users = {entry.params["user_id"] for entry in entries if entry.params.get("user_id") is not None}
    with unit_of_work() as session:
        wards = {each.id: each.name_in(language()) for each in departments(session, facility_id).values()}
        return Names(user_names(session, users), wards, clinicians(session, facility_id))


def open_to(scope: Scope, entries: Sequence[TimelineEntry]) -> list[TimelineEntry]:
    """Entries without what belongs to sensitive stays and visits in departments that the viewer does not see."""
    closed = [
        entry
        for entry in entries
        if entry.params.get("sensitive")
        and not scope.covers(entry.params["facility_id"], entry.params["department_ids"])
    ]
    stays = {entry.encounter_id for entry in closed if entry.kind == "stay"}
    things = {(entry.object_kind, entry.object_id) for entry in closed}
    return [
        entry
        for entry in entries
        if entry not in closed
        and (entry.encounter_id is None or entry.encounter_id not in stays)
        and entry.params.get("about") not in things
    ]


def is_sensitive(entry: TimelineEntry) -> bool:
    """True for a stay of which as few as possible should know (psychiatry, HIV, termination …)."""
    return entry.kind == "stay" and bool(entry.params.get("sensitive"))


def by_day(entries: Iterable[TimelineEntry], names: Names, facility: FacilitySnapshot, now: datetime) -> list[Day]:
    """What is to come, nearest last, then day by day backwards."""
    today = now.astimezone(facility.zone).date()
    ordered = sorted(entries, key=lambda entry: entry.at, reverse=True)
    days: dict[date | None, list[Line]] = {}
    for entry in ordered:
        day = entry.at.astimezone(facility.zone).date()
        coming = day > today
        days.setdefault(None if coming else day, []).append(_line(entry, names, facility, coming=coming))
    return [Day(_heading(day, today), tuple(lines)) for day, lines in days.items()]


def _heading(day: date | None, today: date) -> str:
    if day is None:
        return str(_("Coming up"))
    if day == today:
        return str(_("%(day)s, today", day=long_date(day)))
    return long_date(day)


def _line(entry: TimelineEntry, names: Names, facility: FacilitySnapshot, *, coming: bool) -> Line:
    local = entry.at.astimezone(facility.zone)
    words = cast("Mapping[str, str]", current_app.extensions["hcrm.timeline_words"])
    states = cast("Mapping[str, tuple[str, str]]", current_app.extensions["hcrm.timeline_states"])
    title = str(words.get(entry.title_code) or entry.params.get("name") or _own_name(entry) or _("Entry"))
    details = _DETAILS.get(entry.kind, _nothing)(entry, names)
    if coming:
        details = [long_date(local), *details]
    params = {name: _said(value, facility) for name, value in entry.params.items()}
    return Line(
        at=entry.at,
        when=weekday(local) if coming else f"{local:%H:%M}",
        icon=ICONS.get(entry.kind, "file"),
        title=title % params if "%(" in title else title,
        details=tuple(details),
        quote=str(entry.params.get("text") or entry.params.get("note") or ""),
        sign=states.get(entry.state),
        address=_address(entry),
        why=_why(entry),
    )


def _said(value: Any, facility: FacilitySnapshot) -> Any:
    """A moment as people of the facility say it; anything else as it is."""
    return local_datetime(value, facility.zone) if isinstance(value, datetime) else value


def _own_name(entry: TimelineEntry) -> str:
    """What the hospital itself calls the step of a task, in the language of the page; empty for anything else."""
    english, chinese = entry.params.get("names") or ("", "")
    return str(chinese if language() == "zh_Hans" and chinese else english)


def _address(entry: TimelineEntry) -> str | None:
    by_person = entry.kind == "task" and entry.params.get("channel") in {"phone", "home_visit"}
    if entry.kind == "call" or by_person:
        return f"/calls/{entry.object_id}"
    if entry.kind == "appointment":
        return f"/visits/{entry.object_id}"
    return f"/alerts/{entry.object_id}" if entry.kind == "alert" else None


def _why(entry: TimelineEntry) -> str | None:
    if entry.object_kind == "outbox_message":
        return f"/messages/{entry.object_id}/why"
    if entry.object_kind == "inbound_message":
        return f"/texts/{entry.object_id}/why"
    return f"/tasks/{entry.object_id}/why" if entry.object_kind == "task" else None


def _nothing(_entry: TimelineEntry, _names: Names) -> list[str]:
    return []


def _by(entry: TimelineEntry, names: Names) -> list[str]:
    name = names.users.get(entry.params.get("user_id", 0))
    return [name] if name else []


def _stay(entry: TimelineEntry, names: Names) -> list[str]:
    params = entry.params
    kind = str(labels.CLASSES[EncounterClass(params["encounter_class"])])
    end = labels.DISPOSITIONS.get(Disposition(params["disposition"]))
    told = end and entry.title_code != "patients.admitted"
    parts = [_("%(kind)s, %(end)s", kind=kind, end=end) if told else kind]
    parts += [names.departments.get(params["department_id"], ""), names.clinicians.get(params["clinician_id"], "")]
    if params["nights"]:
        parts.append(ngettext("%(num)s night", "%(num)s nights", params["nights"]))
    return [part for part in (*parts, params["diagnosis"]) if part]


def _record(entry: TimelineEntry, names: Names) -> list[str]:
    params: Mapping[str, Any] = entry.params
    parts = []
    if "purpose" in params:
        parts.append(
            _(
                "%(purpose)s: %(channel)s",
                purpose=labels.PURPOSES[ConsentPurpose(params["purpose"])],
                channel=labels.CHANNELS[ConsentChannel(params["channel"])],
            )
        )
    if params.get("reason"):
        parts.append(str(labels.RETIRED_WORDS[params["reason"]]))
    return [*parts, *_by(entry, names)]


_DETAILS: Mapping[str, Callable[[TimelineEntry, Names], list[str]]] = {
    "stay": _stay,
    "record": _record,
    "call": _by,
    "alert": _by,
    "task": _by,
    "appointment": _by,
}
