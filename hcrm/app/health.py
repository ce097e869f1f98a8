"""Whether the program is well: alive, ready to work, and how it is doing, without anything about a patient."""

from __future__ import annotations

from typing import cast

from flask import Blueprint, Flask, Response, current_app, g, jsonify, request
from flask.typing import ResponseReturnValue
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from hcrm.accounts.guard import public
from hcrm.app.meters import METHODS, Answered, Counted, Meters
from hcrm.clock import stopwatch
from hcrm.logs import get_logger
from hcrm.schema import current_revision, head_revision
from hcrm.unit_of_work import unit_of_work
from hcrm.worker.queries import seconds_since_heartbeat

logger = get_logger(__name__)
blueprint = Blueprint("health", __name__)

HEARTBEAT_LIMIT_SECONDS = 180
"""A worker says that it is alive every minute; after three minutes of silence it counts as gone."""


@blueprint.get("/healthz")
@public
def healthz() -> ResponseReturnValue:
    """The process is up."""
    return jsonify(status="up")


@blueprint.get("/readyz")
@public
def readyz() -> ResponseReturnValue:
    """The database answers, its schema is the newest, a worker is alive; 503 with what is missing otherwise."""
    checks = _checks()
    ready = all(checks.values())
    return jsonify(status="ready" if ready else "not ready", checks=checks), 200 if ready else 503


def _checks() -> dict[str, bool]:
    checks = {"database": False, "migrations": False, "worker": False}
    try:
        with unit_of_work() as session:
            checks["database"] = True
            checks["migrations"] = current_revision(session.connection()) == head_revision()
            checks["worker"] = _worker_is_alive(session)
    except SQLAlchemyError as error:
        logger.warning("readiness check failed", exc_info=error)
    return checks


def _worker_is_alive(session: Session) -> bool:
    seconds = seconds_since_heartbeat(session)
    return seconds is not None and seconds <= HEARTBEAT_LIMIT_SECONDS


@blueprint.get("/metrics")
@public
def metrics() -> ResponseReturnValue:
    """Counters of all web processes in the Prometheus format; 503 when the database does not answer."""
    _meters().write()
    registry = CollectorRegistry(auto_describe=False)
    try:
        with unit_of_work() as session:
            registry.register(Counted(session))
            return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    except SQLAlchemyError as error:
        logger.warning("metrics could not be read", exc_info=error)
        return Response(status=503)


def _meters() -> Meters:
    return cast("Meters", current_app.extensions["hcrm.meters"])


def _start() -> None:
    g.hcrm_started = stopwatch()


def _count(response: Response) -> Response:
    method = request.method if request.method in METHODS else "other"
    seconds = stopwatch() - g.hcrm_started if "hcrm_started" in g else 0.0
    _meters().add(Answered(request.endpoint or "none", method, response.status_code), seconds)
    return response


def init_app(app: Flask) -> None:
    """Add the pages and count every request."""
    app.extensions["hcrm.meters"] = Meters(app.extensions["hcrm"])
    app.before_request(_start)
    app.after_request(_count)
    app.register_blueprint(blueprint)


def write_counts(app: Flask) -> Flask:
    """For a process that serves: add its counts to those of the others all the time."""
    meters: Meters = app.extensions["hcrm.meters"]
    meters.write_regularly()
    return app
