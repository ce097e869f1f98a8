"""What can be wrong with the embedded server, in sentences for the person who started the program."""

from __future__ import annotations


class DatabaseUnavailable(Exception):
    """There is no database to work with; the message is one sentence that says why and what to do."""
