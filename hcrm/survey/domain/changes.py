"""What changed between two versions of a questionnaire, question by question. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hcrm.survey.domain.drafts import Definition

PARTS = ("kind", "flags", "en", "zh", "parent", "carer", "na_text", "sms_text", "choices", "minimum", "maximum",
         "weight", "module", "show_if", "alerts", "readmitted_if")  # fmt: skip
WHOLE = ("name", "purpose", "intro", "about", "notice", "modules", "sms_form", "join_routine", "invite_sms")


class ChangeKind(StrEnum):
    """What happened to a question or a part."""

    ADDED = "added"
    REMOVED = "removed"
    MOVED = "moved"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Change:
    """One change. ``code`` is the question's, empty for the questionnaire as such; ``part`` the field of it;
    ``before`` and ``after`` what it said, as text (places for a move).
    """

    kind: ChangeKind
    code: str = ""
    part: str = ""
    before: str = ""
    after: str = ""


def changes(old: Definition, new: Definition) -> tuple[Change, ...]:
    """Everything that differs, in the order of the new version; removed questions last."""
    before = {question["code"]: question for question in old["question"]}
    after = {question["code"]: question for question in new["question"]}
    return (
        *_parts("", WHOLE, old, new),
        *(change for code, question in after.items() for change in _question(code, before.get(code), question)),
        *_moves(list(before), list(after)),
        *(
            Change(ChangeKind.REMOVED, code, before=question.get("en", ""))
            for code, question in before.items()
            if code not in after
        ),
    )


def _question(code: str, old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> Iterator[Change]:
    if old is None:
        yield Change(ChangeKind.ADDED, code, after=new.get("en", ""))
    else:
        yield from _parts(code, PARTS, old, new)


def _parts(code: str, parts: tuple[str, ...], old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    for part in parts:
        one, other = _said(old.get(part)), _said(new.get(part))
        if one != other:
            yield Change(ChangeKind.CHANGED, code, part, one, other)


def _said(value: Any) -> str:
    if value in (None, [], {}, "", False):
        return ""
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True)


def _moves(before: list[str], after: list[str]) -> Iterator[Change]:
    """The fewest questions that have to be moved to get from one order to the other."""
    place = {code: at for at, code in enumerate(before)}
    both = [code for code in after if code in place]
    staying = _longest_rising([place[code] for code in both])
    for code in both:
        if place[code] not in staying:
            yield Change(ChangeKind.MOVED, code, before=str(place[code] + 1), after=str(after.index(code) + 1))


def _longest_rising(numbers: list[int]) -> frozenset[int]:
    """A longest rising subsequence (quadratic, for at most a few hundred)."""
    longest: tuple[int, ...] = ()
    ending: list[tuple[int, ...]] = []
    for number in numbers:
        before: tuple[int, ...] = ()
        for rising in ending:
            if rising[-1] < number and len(rising) > len(before):
                before = rising
        ending.append((*before, number))
        longest = ending[-1] if len(ending[-1]) > len(longest) else longest
    return frozenset(longest)
