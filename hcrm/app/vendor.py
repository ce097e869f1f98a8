"""Serves Bootstrap's stylesheet and Plotly's script out of the installed packages: nothing foreign is kept in here."""

from __future__ import annotations

import gzip
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import Blueprint, Flask, Response, request

from hcrm.accounts.guard import public

blueprint = Blueprint("vendor", __name__, url_prefix="/vendor")

# Found without importing the packages: importing plotly takes a second, and only the charts may.
BOOTSTRAP = ("flask_bootstrap", "Bootstrap-Flask", "static/bootstrap5/css/bootstrap.min.css")
PLOTLY = ("plotly", "plotly", "package_data/plotly.min.js")


@blueprint.get("/<v>/bootstrap.min.css")
@public
def bootstrap(v: str) -> Response:
    """Bootstrap's stylesheet; ``v`` is its version."""
    return _file(BOOTSTRAP, "text/css", v)


@blueprint.get("/<v>/plotly.min.js")
@public
def plotly(v: str) -> Response:
    """Plotly's script; ``v`` is its version."""
    return _file(PLOTLY, "text/javascript", v)


def _file(source: tuple[str, str, str], mimetype: str, v: str) -> Response:
    zipped = request.accept_encodings.quality("gzip") > 0
    response = Response(_content(source, zipped=zipped), mimetype=mimetype)
    if zipped:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.set_etag(f"{v}-{'gzip' if zipped else 'plain'}")
    response.make_conditional(request)
    return response


@lru_cache(maxsize=4)
def _content(source: tuple[str, str, str], *, zipped: bool) -> bytes:
    package, _, path = source
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError(package)
    content = (Path(spec.submodule_search_locations[0]) / path).read_bytes()
    return gzip.compress(content, compresslevel=6, mtime=0) if zipped else content


def init_app(app: Flask) -> None:
    """Add the pages, and the versions to their addresses."""
    versions = {"vendor.bootstrap": version(BOOTSTRAP[1]), "vendor.plotly": version(PLOTLY[1])}

    @app.url_defaults
    def add_version(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint in versions:
            values.setdefault("v", versions[endpoint])

    app.register_blueprint(blueprint)
