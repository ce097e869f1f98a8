"""One number for the state that a simulation has come to."""

from __future__ import annotations

import hashlib

from sqlalchemy import text
from sqlalchemy.orm import Session

_STATES = (
    """SELECT e.visit_number, e.status, e.disposition, e.admitted_at, e.discharged_at, p.mrn
       FROM encounter AS e
       JOIN (SELECT patient_id, min(value) AS mrn FROM patient_identifier WHERE system = 'mrn' GROUP BY patient_id) AS p
         ON p.patient_id = e.patient_id
       ORDER BY e.visit_number""",
    """SELECT e.visit_number, t.step_code, t.status, t.reason, t.attempt_count, t.first_attempt_at, t.last_attempt_at,
              t.reached_at, t.completed_at, t.ended_at, t.callback_at, t.due_at
       FROM task AS t JOIN encounter AS e ON e.id = t.encounter_id
       ORDER BY e.visit_number, t.step_code, t.created_at, t.occurrence""",
    """SELECT e.visit_number, t.step_code, a.started_at, a.ended_at, a.connection, a.disposition, u.username
       FROM attempt AS a JOIN task AS t ON t.id = a.task_id JOIN encounter AS e ON e.id = t.encounter_id
       LEFT JOIN user_account AS u ON u.id = a.user_id
       ORDER BY e.visit_number, t.step_code, a.started_at""",
    """SELECT e.visit_number, m.template_code, m.to_number, m.status, m.reason, m.decided_at, m.delivered_at, m.language
       FROM outbox_message AS m LEFT JOIN encounter AS e ON e.id = m.encounter_id
       ORDER BY e.visit_number, m.created_at, m.template_code, m.to_number, m.status, m.decided_at""",
    """SELECT from_number, received_at, body, state, outcome FROM inbound_message
       ORDER BY received_at, from_number, body""",
    """SELECT e.visit_number, t.step_code, r.state, a.question_code, a.value, a.mode, a.answered_at, a.late
       FROM survey_answer AS a JOIN survey_response AS r ON r.id = a.response_id
       JOIN encounter AS e ON e.id = r.encounter_id LEFT JOIN task AS t ON t.id = r.task_id
       ORDER BY e.visit_number, t.step_code, a.answered_at, a.question_code""",
    """SELECT e.visit_number, a.question_code, a.rule, a.severity, a.status, a.opened_at, a.resolved_at, a.action_code
       FROM alert AS a LEFT JOIN encounter AS e ON e.id = a.encounter_id
       ORDER BY e.visit_number, a.opened_at, a.question_code, a.rule""",
)
"""Everything that people did and the program decided, by the names that the hospital knows, without our ids."""


def digest(session: Session) -> str:
    """SHA-256 over stays, tasks, calls, messages, replies, answers and alerts; 64 letters."""
    found = hashlib.sha256()
    session.execute(text("SET LOCAL TimeZone = 'UTC'"))
    for statement in _STATES:
        rows = session.execute(
            text(f"SELECT CAST(state AS text) FROM ({statement}) AS state"),  # noqa: S608 - from the table above
            execution_options={"yield_per": 5_000},
        )
        for (row,) in rows:
            found.update(row.encode())
            found.update(b"\n")
    return found.hexdigest()
