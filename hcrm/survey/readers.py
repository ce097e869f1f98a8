"""The questionnaires and the call script that come with the product, read from ``content/*.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from hcrm.survey.domain import Questionnaire, Text
from hcrm.survey.domain.definition import questionnaire_from
from hcrm.survey.domain.questionnaire import SHIPPED

CONTENT = Path(__file__).parent / "content"
PACKAGED = SHIPPED


@dataclass(frozen=True, slots=True)
class ScriptStep:
    """One step of the call. ``said`` is said in every call; ``text`` is what to do."""

    code: str
    title: Text
    text: Text
    said: Text | None


@dataclass(frozen=True, slots=True)
class CallScript:
    """The outline of a call: its steps in order, and what to do in special cases.

    Texts may hold ``{hospital}``, ``{phone}``, ``{ward_phone}`` and ``{emergency}``.
    """

    steps: tuple[ScriptStep, ...]
    cases: tuple[ScriptStep, ...]

    def step(self, code: str) -> ScriptStep:
        """Raises ``KeyError`` for an unknown code."""
        for entry in self.steps + self.cases:
            if entry.code == code:
                return entry
        raise KeyError(code)


@cache
def packaged_definition(code: str) -> Mapping[str, Any]:
    """The definition of a packaged questionnaire, complete: questions taken over from another one are filled in."""
    data = _toml(f"{code}.toml")
    return {**data, "question": [_filled_in(question) for question in data["question"]]}


@cache
def packaged_questionnaire(code: str) -> Questionnaire:
    """A packaged questionnaire, read and checked."""
    return questionnaire_from(packaged_definition(code))


@cache
def call_script() -> CallScript:
    """The outline of the clinical call (content §9) in both languages."""
    data = _toml("call_script.toml")
    return CallScript(
        tuple(_step(entry) for entry in data["step"]),
        tuple(_step(entry) for entry in data["case"]),
    )


def _toml(name: str) -> dict[str, Any]:
    return tomllib.loads((CONTENT / name).read_text(encoding="utf-8"))


def _filled_in(question: Mapping[str, Any]) -> Mapping[str, Any]:
    """``like = "CODE"`` takes over the question of that code; ``alerts_first`` puts rules before the inherited ones."""
    if "like" not in question:
        return question
    original = next(
        entry for entry in packaged_definition(question["like"])["question"] if entry["code"] == question["code"]
    )
    own = {key: value for key, value in question.items() if key not in ("like", "alerts_first")}
    merged = {**original, **own}
    if "alerts_first" in question:
        merged["alerts"] = [*question["alerts_first"], *original.get("alerts", ())]
    return merged


def _step(data: Mapping[str, Any]) -> ScriptStep:
    said = data.get("said")
    return ScriptStep(
        code=data["code"],
        title=Text(data["title"]["en"], data["title"]["zh"]),
        text=Text(data["text"]["en"], data["text"]["zh"]),
        said=Text(said["en"], said["zh"]) if said is not None else None,
    )
