"""Pages of imports: files and their batches, messages of interfaces."""

from hcrm.intake.routes.blueprint import blueprint
from hcrm.intake.routes.files import index
from hcrm.intake.routes.messages import messages

__all__ = ["blueprint", "index", "messages"]
