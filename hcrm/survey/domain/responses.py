"""The states of a survey response and the moves between them (AAPOR-like)."""

from __future__ import annotations

from enum import StrEnum

from hcrm.survey.domain.flow import Completeness


class ResponseState(StrEnum):
    """How far a response has come; ``expired`` also means broken off before it was worth counting."""

    INVITED = "invited"
    DELIVERED = "delivered"
    STARTED = "started"
    PARTIAL = "partial"
    COMPLETED = "completed"
    REFUSED = "refused"
    INELIGIBLE = "ineligible"
    EXPIRED = "expired"
    FAILED = "failed"


class SurveyAlreadyClosed(Exception):
    """The response has ended (or never was); it takes no such change. The argument is its state."""


class UnknownResponse(LookupError):
    """No response has this id or token."""


class UnknownQuestionnaire(LookupError):
    """No published questionnaire has this code; the argument is the code."""


_S = ResponseState
_ANSWERING = frozenset({_S.STARTED, _S.PARTIAL, _S.COMPLETED})
_ENDINGS = frozenset({_S.REFUSED, _S.INELIGIBLE, _S.EXPIRED, _S.FAILED})

TRANSITIONS: dict[ResponseState, frozenset[ResponseState]] = {
    _S.INVITED: frozenset({_S.DELIVERED}) | _ANSWERING | _ENDINGS,
    _S.DELIVERED: _ANSWERING | _ENDINGS,
    _S.STARTED: frozenset({_S.PARTIAL, _S.COMPLETED}) | _ENDINGS,
    _S.PARTIAL: frozenset({_S.STARTED, _S.COMPLETED, _S.REFUSED, _S.INELIGIBLE}),
    _S.COMPLETED: frozenset({_S.STARTED, _S.PARTIAL, _S.INELIGIBLE}),
    _S.REFUSED: frozenset(),
    _S.INELIGIBLE: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.FAILED: frozenset({_S.DELIVERED, _S.REFUSED, _S.INELIGIBLE, _S.EXPIRED}) | _ANSWERING,
}
"""What may follow what. A corrected answer can open a question again, so a completed response may fall back; an
invitation that failed on one channel may still be answered on another."""

_BY_COMPLETENESS = {
    Completeness.NONE: None,
    Completeness.INSUFFICIENT: _S.STARTED,
    Completeness.PARTIAL: _S.PARTIAL,
    Completeness.COMPLETE: _S.COMPLETED,
}


def may_become(state: ResponseState, new: ResponseState) -> bool:
    return new in TRANSITIONS[state]


def check_move(state: ResponseState, new: ResponseState) -> None:
    """Raises ``SurveyAlreadyClosed`` for a move that the table does not allow."""
    if not may_become(state, new):
        raise SurveyAlreadyClosed(state.value)


def state_by_answers(completeness: Completeness) -> ResponseState | None:
    """The state that answers bring a response to; ``None`` without any."""
    return _BY_COMPLETENESS[completeness]


def state_at_expiry(state: ResponseState) -> ResponseState:
    """A partial or completed response stays what it is; anything less has expired."""
    return state if state in (_S.PARTIAL, _S.COMPLETED, _S.REFUSED, _S.INELIGIBLE) else _S.EXPIRED
