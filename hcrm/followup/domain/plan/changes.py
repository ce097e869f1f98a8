"""What differs between two versions of a plan."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from hcrm.followup.domain.plan.parts import Eligibility, Plan, Step


class ChangeKind(StrEnum):
    """What happened to a step or to a value."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One difference: of the step with the code ``step`` (empty: of the plan or, with ``rule``, of whom it is for).

    ``field`` is the name of the value that differs, ``before`` and ``after`` its values; none of them for a step that
    was added, removed or moved.
    """

    kind: ChangeKind
    step: str = ""
    field: str = ""
    before: Any = None
    after: Any = None
    rule: bool = False


def differences(before: Plan, after: Plan) -> list[Change]:
    """All that differs, in the order of ``after``; empty exactly when the plans are equal."""
    return [*_of_plan(before, after), *_of_rules(before.eligibility, after.eligibility), *_of_steps(before, after)]


def _of_plan(before: Plan, after: Plan) -> Iterator[Change]:
    for name in ("code", "name_en", "name_zh", "scope"):
        yield from _of_value(name, getattr(before, name), getattr(after, name))


def _of_rules(before: Eligibility, after: Eligibility) -> Iterator[Change]:
    for field in fields(Eligibility):
        for change in _of_value(field.name, getattr(before, field.name), getattr(after, field.name)):
            yield Change(change.kind, "", change.field, change.before, change.after, rule=True)


def _of_value(name: str, before: Any, after: Any, step: str = "") -> Iterator[Change]:
    if before != after:
        yield Change(ChangeKind.CHANGED, step, name, before, after)


def _of_steps(before: Plan, after: Plan) -> Iterator[Change]:
    old, new = {each.code: each for each in before.steps}, {each.code: each for each in after.steps}
    kept_before = [code for code in old if code in new]
    kept_after = [code for code in new if code in old]
    for code, step in new.items():
        if code not in old:
            yield Change(ChangeKind.ADDED, code)
            continue
        if kept_before.index(code) != kept_after.index(code):
            yield Change(ChangeKind.MOVED, code)
        yield from _of_step(old[code], step)
    yield from (Change(ChangeKind.REMOVED, code) for code in old if code not in new)


def _of_step(before: Step, after: Step) -> Iterator[Change]:
    for field in fields(Step):
        yield from _of_value(field.name, getattr(before, field.name), getattr(after, field.name), after.code)
