"""Forms of follow-up, what its codes are called, and the sentences its pages put together."""

from hcrm.followup.forms.input import (
    AlertFilterForm,
    CancelForm,
    FilterForm,
    IdentityForm,
    OutcomeForm,
    ResolveForm,
)
from hcrm.followup.forms.labels import TIMELINE_STATES, TIMELINE_WORDS

__all__ = [
    "TIMELINE_STATES",
    "TIMELINE_WORDS",
    "AlertFilterForm",
    "CancelForm",
    "FilterForm",
    "IdentityForm",
    "OutcomeForm",
    "ResolveForm",
]
