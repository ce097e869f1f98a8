"""Follow-up rules without any input or output: plans, their expansion, tasks, attempts, alerts, risk."""
