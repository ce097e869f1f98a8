"""The background process: which jobs run, and how often."""
