"""Reads what the product brings in TOML files beside this module: plans, and what usual diagnosis codes mean."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from hcrm.followup.domain.plan import Plan, PlanInvalid, plan_from_mapping, plan_to_mapping, read_plan

MOST_BYTES = 200_000
"""More than any plan has; a larger file is not read."""


@dataclass(frozen=True, slots=True)
class ShippedPlan:
    """A plan of the product; plans are tried in the order of ``position``, the first that admits a discharge wins."""

    plan: Plan
    position: int


@cache
def shipped_plans() -> tuple[ShippedPlan, ...]:
    """All of them, in order. Raises ``PlanInvalid`` when a file does not describe a plan."""
    folder = resources.files("hcrm.followup") / "plans"
    found = []
    for entry in folder.iterdir():
        if entry.name.endswith(".toml"):
            data = tomllib.loads(entry.read_text(encoding="utf-8"))
            found.append(ShippedPlan(plan=plan_from_mapping(data), position=int(data.get("position", 100))))
    return tuple(sorted(found, key=lambda shipped: shipped.position))


@cache
def _diagnoses() -> dict[str, dict[str, str]]:
    """Words by ICD-10 code, by language."""
    entry = resources.files("hcrm.followup") / "content" / "icd10.toml"
    return tomllib.loads(entry.read_text(encoding="utf-8"))


def diagnosis_words(code: str, language: str) -> str:
    """What an ICD-10 code stands for; empty for a code that is not known, and for what is in words already."""
    known = _diagnoses()["zh" if language.startswith("zh") else "en"]
    plain = code.strip().upper()
    if not re.fullmatch(r"[A-Z][0-9][0-9A-Z](\.?[0-9A-Z]{0,4})?", plain):
        return ""
    prefixes = (plain[:length] for length in (5, 3, 2, 1))
    return next((known[prefix] for prefix in prefixes if prefix in known), "")


def read_plan_file(content: bytes) -> dict[str, Any]:
    """The data of a plan in a TOML file, with whatever flaws it has. Raises ``PlanInvalid`` where it is none."""
    if not content or len(content) > MOST_BYTES:
        raise PlanInvalid("the file is empty or larger than 200 kB")
    try:
        data = tomllib.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as problem:  # no UTF-8, no TOML, endless digits, or lists without end
        raise PlanInvalid(str(problem)) from None
    plan = read_plan(data)
    position = data.get("position", 100)
    if not _CODE.fullmatch(plan.code) or not isinstance(position, int) or not 0 <= position < _LAST_PLACE:
        raise PlanInvalid("code or position is missing or not possible")
    if "\\u0000" in json.dumps(plan_to_mapping(plan)):
        raise PlanInvalid("a text holds a character that is none")
    return data


_CODE = re.compile(r"[a-z][a-z0-9_]{1,40}", re.ASCII)
_LAST_PLACE = 10_000


def plan_file(plan: Plan, position: int) -> str:
    """The plan as TOML, such as ``read_plan_file`` reads back to an equal plan; what says nothing is left out."""
    entry = plan_to_mapping(plan)
    head = {name: entry[name] for name in ("code", "name_en", "name_zh", "scope")} | {"position": position}
    lines = [*_values(head), "", "[eligibility]", *_values(entry["eligibility"])]
    for step in entry["steps"]:
        tables = {name: value for name, value in step.items() if isinstance(value, dict)}
        lines += ["", "[[steps]]", *_values({name: step[name] for name in step if name not in tables})]
        for name, table in tables.items():
            if table:
                lines += [f"[steps.{name}]", *_values(table)]
    return "\n".join(lines) + "\n"


def _values(entry: Mapping[str, Any]) -> Iterator[str]:
    """One line for each value; a JSON string, number, list or truth value is one of TOML as well."""
    for name, value in entry.items():
        if value is not None and value not in ([], ""):
            key = name if _BARE.fullmatch(name) else _json(name)
            yield f"{key} = {_json(value)}"


_BARE = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
