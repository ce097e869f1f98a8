"""Pages of patients: finding them, the patient's page, changing the record, merging."""

from hcrm.patients.routes.blueprint import blueprint
from hcrm.patients.routes.changes import add_number
from hcrm.patients.routes.duplicates import duplicates
from hcrm.patients.routes.finding import search
from hcrm.patients.routes.merging import merge
from hcrm.patients.routes.page import patient

__all__ = ["add_number", "blueprint", "duplicates", "merge", "patient", "search"]
