"""Facilities, departments, clinicians, calendars and their settings."""
