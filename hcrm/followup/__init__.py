"""Follow-up plans, tasks, calls and alerts."""
