"""The auditor reads words, not codes."""

from __future__ import annotations

import re
from pathlib import Path

import hcrm
from hcrm.accounts.domain import Action
from hcrm.audit.domain import ActorKind
from hcrm.audit.forms import ACTION_LABELS, ACTOR_LABELS, OBJECT_LABELS
from hcrm.intake.domain import BatchStatus

ROOT = Path(hcrm.__file__).parent
NAMED = re.compile(r'action="([a-z_.]+)"|_(?:audit|audited|note|record)\([^"\n]*"([a-z_]+\.[a-z_]+)"')
KINDS = re.compile(r'object_kind="([a-z_]+)"')


def found(pattern: re.Pattern[str]) -> set[str]:
    texts = (path.read_text() for path in ROOT.rglob("*.py") if "simulation" not in path.parts)
    return {next(filter(None, match.groups())) for text in texts for match in pattern.finditer(text)}


def test_every_action_that_is_recorded_has_words() -> None:
    recorded = found(NAMED) | {action.value for action in Action} | {f"import.{status}" for status in BatchStatus}

    assert len(recorded) > 40
    assert recorded - set(ACTION_LABELS) == set()


def test_every_kind_of_thing_has_words() -> None:
    assert found(KINDS) - set(OBJECT_LABELS) == set()


def test_every_kind_of_actor_has_words() -> None:
    assert set(ACTOR_LABELS) == set(ActorKind)
