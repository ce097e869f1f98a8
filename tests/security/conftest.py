"""Permissions are tested on one server."""

from tests.one_server import first_server

__all__ = ["first_server"]
