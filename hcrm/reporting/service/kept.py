"""Results that take long to work out are kept, and told again as long as the records of their days are the same.

A result is of a version of its days (``report_day_version``). While one of them has changed it is worked out anew,
unless the reader may lag (``queries/marks.py``): they are told the kept one and of when it is, and the worker works it
out again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import delete, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from hcrm.reporting.domain.reports import Selection
from hcrm.reporting.models import Kept, MarkKind
from hcrm.reporting.queries.kept import LONGEST, Asked, in_words, kept_result, version_of, wanted
from hcrm.reporting.queries.marks import LATEST, changed, lag_of

Arguments = Mapping[str, str]

ASKED_EVERY = timedelta(minutes=5)
"""It is written down this often at most that somebody asks for a result."""

AGAIN_FOR = timedelta(minutes=30)
"""So long after somebody asked for a result it is worked out again when its days change."""

AGAIN_AFTER = timedelta(seconds=30)
"""A result is worked out again this long after the last time at the earliest."""

FORGET_AFTER = timedelta(days=30)
"""A result that nobody has asked for this long is thrown away."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure whose results are kept: the roll-ups whose days it is made of, and how to work it out.

    ``work_out`` gives what JSON can hold, made of the records of the days of the selection alone, as ``kinds`` mark
    them. ``after`` and ``before`` widen the days.
    """

    name: str
    kinds: tuple[MarkKind, ...]
    work_out: Callable[[Session, Selection, Arguments, datetime], Any]
    after: timedelta = timedelta(0)


def result(session: Session, figure: Figure, selection: Selection, now: datetime, **arguments: str) -> Any:
    """What the figure comes to, kept or worked out; lists and objects as JSON has them."""
    asked = _asked(figure, selection, arguments)
    if asked is None:
        return _as_json(figure.work_out(session, selection, arguments, now))
    key = _key(asked)
    kept, version = kept_result(session, key), _version(session, figure, asked)
    if kept is not None:
        if now - kept.asked_at > ASKED_EVERY:
            session.execute(update(Kept).where(Kept.key == key).values(asked_at=now))
        if kept.version == version and not _changing(session, figure, asked):
            return kept.result
        lag = lag_of(session)
        if lag is not None and now - kept.made_at <= LATEST:
            lag.note(kept.made_at)
            return kept.result
    return _worked_out(session, figure, asked, key, version, now)


def work_out_again(session: Session, figures: Mapping[str, Figure], now: datetime, *, most: int = 3) -> int:
    """Work out some results anew whose days have changed and that people look at; returns how many."""
    session.execute(delete(Kept).where(Kept.asked_at < now - FORGET_AFTER))
    done = 0
    found = wanted(session, asked_since=now - AGAIN_FOR, made_before=now - AGAIN_AFTER, limit=200)
    for key, asked in found:
        figure = figures.get(asked.figure)
        kept = kept_result(session, key)
        if figure is None or kept is None or kept.version == _version(session, figure, asked):
            continue
        _worked_out(session, figure, asked, key, _version(session, figure, asked), now, asked_at=kept.asked_at)
        done += 1
        if done == most:
            break
    return done


def _worked_out(
    session: Session,
    figure: Figure,
    asked: Asked,
    key: str,
    version: int,
    now: datetime,
    asked_at: datetime | None = None,
) -> Any:
    """Work a result out and keep it. The version was read before: what changes meanwhile makes it out of date."""
    scope = {asked.facility_id: None if asked.departments is None else frozenset(asked.departments)}
    selection = Selection(asked.from_on, asked.to_on, scope, asked.department_id)
    found = _as_json(figure.work_out(session, selection, dict(asked.arguments), now))
    values = {
        "facility_id": asked.facility_id,
        "figure": figure.name,
        "key": key,
        "asked": in_words(asked),
        "version": version,
        "result": found,
        "made_at": now,
        "asked_at": asked_at or now,
    }
    statement = upsert(Kept).values(values)
    renewed = {name: statement.excluded[name] for name in ("version", "result", "made_at", "asked_at")}
    session.execute(statement.on_conflict_do_update(index_elements=["key"], set_=renewed))
    return found


def _asked(figure: Figure, selection: Selection, arguments: Arguments) -> Asked | None:
    """What is asked for; None where it is not kept: for several facilities, or for days without an end."""
    if selection.scope is None or len(selection.scope) != 1 or selection.from_on is None or selection.to_on is None:
        return None
    if selection.to_on - selection.from_on > LONGEST:
        return None
    ((facility_id, departments),) = selection.scope.items()
    return Asked(
        figure.name,
        facility_id,
        None if departments is None else tuple(sorted(departments)),
        selection.department_id,
        selection.from_on,
        selection.to_on,
        tuple(sorted(arguments.items())),
    )


def _version(session: Session, figure: Figure, asked: Asked) -> int:
    return version_of(session, asked.facility_id, figure.kinds, asked.from_on, _last_day(figure, asked))


def _last_day(figure: Figure, asked: Asked) -> date:
    return min(asked.to_on, date.max - figure.after) + figure.after


def _changing(session: Session, figure: Figure, asked: Asked) -> bool:
    """Whether some of the days have changed and are not added up yet."""
    changes = changed(session)
    last = _last_day(figure, asked)
    return any(changes.within(kind, asked.facility_id, asked.from_on, last) != frozenset() for kind in figure.kinds)


def _key(asked: Asked) -> str:
    words = [asked.figure, asked.facility_id, in_words(asked)]
    return hashlib.sha256(json.dumps(words, sort_keys=True).encode()).hexdigest()


def _as_json(found: Any) -> Any:
    """As it comes back when it was kept."""
    return json.loads(json.dumps(found))
