"""Pages of appointments: calendar, sessions, booking, one visit; the patient's page and calendars are apart."""

from hcrm.appointments.routes import booking, calendar, figures, one_session, panel, sessions, visits
from hcrm.appointments.routes.blueprint import blueprint
from hcrm.appointments.routes.patient import blueprint as patient_blueprint

__all__ = [
    "blueprint",
    "booking",
    "calendar",
    "figures",
    "one_session",
    "panel",
    "patient_blueprint",
    "sessions",
    "visits",
]
