"""Makes the web application: settings, extensions, the door, the features' pages, error pages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, cast

from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from hcrm.accounts import guard
from hcrm.accounts.routes import blueprint as accounts_pages
from hcrm.app import context, demo, errors, health, security, timeline, vendor
from hcrm.appointments.routes import blueprint as appointment_pages
from hcrm.appointments.routes import patient_blueprint as visit_pages
from hcrm.extensions import babel, bootstrap, csrf, db, login_manager
from hcrm.followup.routes import blueprint as followup_pages
from hcrm.intake.routes import blueprint as intake_pages
from hcrm.intake.webhooks import blueprint as fhir_posts
from hcrm.messaging.routes import blueprint as messaging_pages
from hcrm.messaging.webhooks import blueprint as twilio_webhooks
from hcrm.patients.routes import blueprint as patients_pages
from hcrm.reporting.routes import blueprint as reporting_pages
from hcrm.settings import Settings
from hcrm.survey.routes import blueprint as survey_pages
from hcrm.survey.routes.said import blueprint as said_pages
from hcrm.survey.routes.versions import blueprint as questionnaire_pages
from hcrm.unit_of_work import Runtime
from hcrm.web import language
from hcrm.wiring import make_runtime, session_info

BLUEPRINTS = (
    accounts_pages,
    patients_pages,
    messaging_pages,
    twilio_webhooks,
    survey_pages,
    questionnaire_pages,
    said_pages,
    followup_pages,
    appointment_pages,
    visit_pages,
    intake_pages,
    fhir_posts,
    reporting_pages,
)
"""The pages of all features."""

MAX_BODY_BYTES = 4 * 1024 * 1024
"""What anybody may send; a file to import may be larger, see ``security.allow_upload``."""


def create_app(settings: Settings, runtime: Runtime | None = None) -> Flask:
    """The application on ``runtime`` (made from ``settings`` when not given); its requests use the runtime's engine."""
    app = Flask("hcrm")
    app.extensions["hcrm"] = runtime or make_runtime(settings)
    app.config.update(_configuration(settings))
    if settings.trusted_proxies:
        count = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=count, x_proto=count, x_host=count)  # type: ignore[method-assign]
    _bind_extensions(app)
    security.init_app(app)
    health.init_app(app)
    guard.init_app(app)
    context.init_app(app)
    vendor.init_app(app)
    demo.init_app(app)
    errors.init_app(app)
    timeline.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    return app


def _configuration(settings: Settings) -> dict[str, Any]:
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://",  # replaced by the runtime's engine
        "SESSION_COOKIE_NAME": "__Host-hcrm" if settings.secure_cookies else "hcrm",
        "SESSION_COOKIE_SECURE": settings.secure_cookies,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_REFRESH_EACH_REQUEST": False,
        "PERMANENT_SESSION_LIFETIME": settings.session_lifetime,
        "WTF_CSRF_TIME_LIMIT": None,  # a token lives as long as its session
        "MAX_CONTENT_LENGTH": MAX_BODY_BYTES,
        "MAX_FORM_MEMORY_SIZE": 2 * 1024 * 1024,
        "SEND_FILE_MAX_AGE_DEFAULT": timedelta(days=365),
        "BOOTSTRAP_SERVE_LOCAL": True,
        "BABEL_DEFAULT_LOCALE": "en",
    }


def _bind_extensions(app: Flask) -> None:
    db.init_app(app)
    runtime: Runtime = app.extensions["hcrm"]
    with app.app_context():
        # One pool of connections for requests and whatever else the process does.
        cast("dict[str | None, Any]", db.engines)[None] = runtime.engine
    info = session_info(runtime.settings)

    @app.before_request
    def wire_session() -> None:
        """Give the session of this request the event bus and what else services expect in it."""
        db.session().info.update(info)

    babel.init_app(app, locale_selector=language)
    app.before_request(security.allow_upload)  # before anything reads the body
    csrf.init_app(app)
    bootstrap.init_app(app)
    # Without its context processor, which asks the database even for the page that says that the database is away.
    login_manager.init_app(app, add_context_processor=False)
    login_manager.session_protection = None  # the door checks sessions itself
