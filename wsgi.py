"""The web application for gunicorn and waitress: ``wsgi:app``."""

from __future__ import annotations

import sys

from config import settings_from_env
from hcrm import logs
from hcrm.app import create_app
from hcrm.app.health import write_counts
from hcrm.embedded import DatabaseUnavailable
from hcrm.settings import SettingsError

try:
    settings = settings_from_env()
    logs.configure(settings)
    app = write_counts(create_app(settings))
except SettingsError as error:
    sys.exit("\n".join(error.problems))
except DatabaseUnavailable as error:
    sys.exit(str(error))
