"""Pages of accounts: log-in and log-out, one's own account, and for administrators users and departments; the audit."""

from hcrm.accounts.routes.audit_log import audit
from hcrm.accounts.routes.blueprint import blueprint
from hcrm.accounts.routes.departments import departments
from hcrm.accounts.routes.own import account
from hcrm.accounts.routes.session import login
from hcrm.accounts.routes.users import users

__all__ = ["account", "audit", "blueprint", "departments", "login", "users"]
