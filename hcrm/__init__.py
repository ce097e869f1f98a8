"""HCRM: follow-up of hospital patients after they have gone home."""

from hcrm import logs

logs.protect()
