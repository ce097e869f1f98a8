"""Pages of follow-up: Today, the call screen, alerts; for administrators the hospital's own settings."""

from hcrm.followup.routes.alert_desk import live
from hcrm.followup.routes.alerts import alerts
from hcrm.followup.routes.blueprint import blueprint
from hcrm.followup.routes.call import call
from hcrm.followup.routes.contacts import log_contact
from hcrm.followup.routes.desk import workload
from hcrm.followup.routes.home_visits import home_visits
from hcrm.followup.routes.hospital import hospital
from hcrm.followup.routes.invitations import invitations
from hcrm.followup.routes.on_call import on_call
from hcrm.followup.routes.outcome import outcome
from hcrm.followup.routes.plan_drafts import plan_rules
from hcrm.followup.routes.plan_trials import try_plan
from hcrm.followup.routes.plans import plans
from hcrm.followup.routes.questionnaires import retiring
from hcrm.followup.routes.recalls import recalls
from hcrm.followup.routes.today import today
from hcrm.followup.routes.why import why

__all__ = [
    "alerts",
    "blueprint",
    "call",
    "home_visits",
    "hospital",
    "invitations",
    "live",
    "log_contact",
    "on_call",
    "outcome",
    "plan_rules",
    "plans",
    "recalls",
    "retiring",
    "today",
    "try_plan",
    "why",
    "workload",
]
