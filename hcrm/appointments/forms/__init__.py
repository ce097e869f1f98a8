"""Forms of appointments, and the words for their states and refusals."""

from hcrm.appointments.forms.input import (
    BookForm,
    ChangeForm,
    ChangeSessionForm,
    CloseDaysForm,
    CloseForm,
    FeedForm,
    RuleForm,
    SessionForm,
    WaitForm,
)
from hcrm.appointments.forms.labels import (
    CANCEL_REASONS,
    HISTORY,
    STATES,
    TIMELINE_STATES,
    TIMELINE_WORDS,
    VIA,
    refusal_words,
)

__all__ = [
    "CANCEL_REASONS",
    "HISTORY",
    "STATES",
    "TIMELINE_STATES",
    "TIMELINE_WORDS",
    "VIA",
    "BookForm",
    "ChangeForm",
    "ChangeSessionForm",
    "CloseDaysForm",
    "CloseForm",
    "FeedForm",
    "RuleForm",
    "SessionForm",
    "WaitForm",
    "refusal_words",
]
