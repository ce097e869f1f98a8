"""Pages of imports: files and their batches, messages of interfaces, profiles, access of other systems."""

from hcrm.intake.routes.blueprint import blueprint
from hcrm.intake.routes.files import index
from hcrm.intake.routes.messages import messages
from hcrm.intake.routes.profiles import profiles
from hcrm.intake.routes.tokens import access
from hcrm.intake.routes.undoing import undo

__all__ = ["access", "blueprint", "index", "messages", "profiles", "undo"]
