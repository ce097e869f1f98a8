"""A hospital's year in the database, written by SQL alone: so many discharges with three tasks each, and answers.

Deterministic; nobody in it exists. 1 in 8 patients comes back, calls are made by half past nine on the day after
tomorrow most of the time, a fifth of the surveys are answered.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, text

DEPARTMENTS = 14

_PATIENTS = """
INSERT INTO patient (id, facility_id, person_id, family_name, given_name, full_name, name_sort_key, sex, birth_date,
                     language, deceased_state, diagnosis_not_told, open_dispute, loss_of_baby, address,
                     created_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT i, :facility, i, 'Family' || i, 'Given', 'Given Family' || i, 'family' || i, 'female',
       DATE '1950-01-01' + i % 20000, 'en', 'none', false, false, false, '', :now, :now
FROM generate_series(1, :patients) AS i
"""
_IDENTIFIERS = """
INSERT INTO patient_identifier (facility_id, value, system, patient_id)
SELECT :facility, 'MRN' || i, 'mrn', i FROM generate_series(1, :patients) AS i
"""
_STAYS = """
INSERT INTO encounter (id, facility_id, patient_id, source, visit_number, class, post_acute, status, admitted_at,
                       discharged_at, admitted_on, discharged_on, department_id, nurse, disposition,
                       principal_diagnosis, diagnoses, procedures, sensitive, payer, contact_name, contact_relationship,
                       needs_review, head_hash, head_event_at, head_rank, created_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT i, :facility, CASE WHEN i > :patients THEN i - :patients ELSE i END, 'bench', 'V' || i, 'IMP', false,
       'finished',
       out_at - (1 + i % 6) * INTERVAL '1 day', out_at,
       ((out_at - (1 + i % 6) * INTERVAL '1 day') AT TIME ZONE :zone)::date, (out_at AT TIME ZONE :zone)::date,
       (SELECT id FROM department WHERE code = 'B' || lpad((i % :departments)::text, 2, '0')
        AND facility_id = :facility),
       '', CASE WHEN i % 60 = 0 THEN 'expired' ELSE 'home' END, 'I50.9', ARRAY['I50.9'], '[]', false, '', '', '', false,
       0, :now, 0, :now, :now
FROM (
    SELECT i,
           CASE WHEN i > :patients
                THEN first_at + (2 + (i * 7) % 28) * INTERVAL '1 day'
                ELSE first_at END AS out_at
    FROM (
        SELECT i, CAST(:now AS timestamptz) - INTERVAL '1 hour'
                  - ((CASE WHEN i > :patients THEN i - :patients ELSE i END) * 7919 % 525600 + 60) * INTERVAL '1 minute'
                  - CASE WHEN i > :patients THEN INTERVAL '30 days' ELSE INTERVAL '0' END AS first_at
        FROM generate_series(1, :discharges) AS i
    ) AS begun
) AS stays
"""
_DEATHS = """
UPDATE patient SET deceased_on = encounter.discharged_on
FROM encounter
WHERE encounter.patient_id = patient.id AND encounter.disposition = 'expired'
"""
_ENROLMENTS = """
INSERT INTO enrolment (id, facility_id, plan_id, plan_version_id, patient_id, encounter_id, discharged_on, risk,
                       risk_score, status, enrolled_at)
OVERRIDING SYSTEM VALUE
SELECT e.id, e.facility_id, v.plan_id, v.id, e.patient_id, e.id, e.discharged_on, 'low', 0, 'active', :now
FROM encounter AS e
CROSS JOIN (
    SELECT plan_version.id, plan_id FROM plan_version JOIN plan ON plan.id = plan_id WHERE code = 'three_level' LIMIT 1
) AS v
WHERE e.source = 'bench'
"""
_TASKS = """
INSERT INTO task (facility_id, enrolment_id, encounter_id, patient_id, department_id, step_code, tier, channel,
                  performer_role, questionnaire_code, window_starts_at, target_at, due_at, due_on, discharged_on,
                  status, reason, risk, attempt_count, first_attempt_at, last_attempt_at, reached_at, completed_at,
                  ended_at, condition, self_reported, generation, created_at)
SELECT facility_id, encounter_id, encounter_id, patient_id, department_id, code, tier, channel, performer, form,
       window_starts_at, window_starts_at, due_at, discharged_on + last_day, discharged_on,
       CASE WHEN over THEN outcome ELSE 'open' END,
       CASE WHEN over AND outcome = 'cancelled' THEN (ARRAY['readmitted', 'opted_out', 'transferred'])[1 + n % 3]
            WHEN over AND outcome = 'failed' THEN 'unable_to_contact' END,
       'low', CASE WHEN over AND tried THEN 1 ELSE 0 END,
       CASE WHEN over AND tried THEN done_at END, CASE WHEN over AND tried THEN done_at END,
       CASE WHEN over AND outcome = 'completed' THEN done_at END,
       CASE WHEN over AND outcome = 'completed' THEN done_at END,
       CASE WHEN over AND outcome <> 'open' THEN LEAST(done_at, due_at) END,
       'always', false, 1, :now
FROM (
    SELECT e.facility_id, e.id AS encounter_id, e.patient_id, e.department_id, e.discharged_on, s.*,
           (e.id * 389 + s.place * 17) % 1000 AS n,
           (e.discharged_on + s.first_day)::timestamp AT TIME ZONE :zone + INTERVAL '8 hours' AS window_starts_at,
           (e.discharged_on + s.last_day)::timestamp AT TIME ZONE :zone + INTERVAL '20 hours' AS due_at,
           (e.discharged_on + s.first_day)::timestamp AT TIME ZONE :zone + INTERVAL '33 hours'
               + CASE WHEN (e.id * 13) % 11 = 0 THEN INTERVAL '9 days' ELSE INTERVAL '0' END AS done_at,
           e.discharged_on < (CAST(:now AS timestamptz) AT TIME ZONE :zone)::date - s.last_day AS over,
           CASE WHEN (e.id * 389 + s.place * 17) % 1000 < 40 THEN 'cancelled'
                WHEN (e.id * 389 + s.place * 17) % 1000 < 100 THEN 'failed'
                WHEN (e.id * 389 + s.place * 17) % 1000 < 160 THEN 'open'
                ELSE 'completed' END AS outcome,
           (e.id * 389 + s.place * 17) % 1000 NOT BETWEEN 100 AND 130 AS tried
    FROM encounter AS e
    CROSS JOIN (VALUES (1, 'welcome', NULL::smallint, 'sms', 'system', NULL, 1, 2),
                       (2, 'clinical_call', 1::smallint, 'phone', 'nurse', 'CLIN_GEN', 1, 7),
                       (3, 'survey', 2::smallint, 'sms', 'system', 'SAT_IP', 8, 14))
        AS s (place, code, tier, channel, performer, form, first_day, last_day)
    WHERE e.source = 'bench' AND e.disposition <> 'expired'
) AS planned
"""
_RESPONSES = """
INSERT INTO survey_response (id, facility_id, questionnaire_version_id, patient_id, encounter_id, department_id, state,
                             token_generation, respondent, invited_at, delivered_at, started_at, completed_at,
                             closed_at, expires_at, help_sent)
OVERRIDING SYSTEM VALUE
SELECT e.id, e.facility_id, v.id, e.patient_id, e.id, e.department_id,
       CASE WHEN e.id % 5 = 0 THEN 'completed' ELSE 'expired' END, 1, 'patient', e.discharged_at + INTERVAL '8 days',
       e.discharged_at + INTERVAL '8 days', CASE WHEN e.id % 5 = 0 THEN e.discharged_at + INTERVAL '9 days' END,
       CASE WHEN e.id % 5 = 0 THEN e.discharged_at + INTERVAL '9 days' END, e.discharged_at + INTERVAL '14 days',
       e.discharged_at + INTERVAL '14 days', false
FROM encounter AS e
CROSS JOIN (SELECT v.id FROM questionnaire_version AS v JOIN questionnaire AS q ON q.id = v.questionnaire_id
            WHERE q.code = 'SAT_IP' LIMIT 1) AS v
WHERE e.source = 'bench' AND e.disposition <> 'expired' AND e.discharged_at < :now - INTERVAL '15 days'
"""
_ANSWERS = """
INSERT INTO survey_answer (facility_id, response_id, question_code, value, mode, respondent, answered_at, late)
SELECT r.facility_id, r.id, q.code,
       to_jsonb(CASE WHEN q.code = 'recommend' THEN (r.id * 7) % 4 + 7
                     ELSE 5 - ((r.id * q.place) % 10 = 0)::int * 3 - ((r.id + q.place) % 3 = 0)::int END),
       CASE WHEN r.id % 2 = 0 THEN 'sms' ELSE 'web' END, 'patient', r.completed_at, false
FROM survey_response AS r
CROSS JOIN (VALUES (1, 'overall'), (2, 'nurse_comm'), (3, 'doctor_comm'), (4, 'discharge_info'), (5, 'medicine_info'),
                   (6, 'night_quiet'), (7, 'recommend')) AS q (place, code)
WHERE r.state = 'completed'
"""


def fill(connection: Connection, *, facility_id: int, zone: str, now: datetime, discharges: int) -> None:
    """Write so many discharges of the year before ``now`` into a database that has plans and questionnaires."""
    values = {
        "facility": facility_id,
        "zone": zone,
        "now": now,
        "discharges": discharges,
        "patients": discharges - discharges // 8,
        "departments": DEPARTMENTS,
    }
    for number in range(DEPARTMENTS):
        connection.execute(
            text(
                "INSERT INTO department (facility_id, code, name, name_zh, needs_review, active, created_at) "
                "VALUES (:facility, :code, :name, :name_zh, false, true, :now)"
            ),
            {
                "facility": facility_id,
                "code": f"B{number:02d}",
                "name": f"Department {number + 1}",
                "name_zh": f"第{number + 1}科室",
                "now": now,
            },
        )
    for statement in (_PATIENTS, _IDENTIFIERS, _STAYS, _DEATHS, _ENROLMENTS, _TASKS, _RESPONSES, _ANSWERS):
        connection.execute(text(statement), values)
    for table in ("patient", "encounter", "enrolment", "survey_response"):
        connection.execute(
            text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), (SELECT max(id) FROM {table}))")
        )


def analyse(connection: Connection) -> None:
    """What autovacuum does within a minute of such a load."""
    for table in (
        "patient",
        "patient_identifier",
        "encounter",
        "enrolment",
        "task",
        "survey_response",
        "survey_answer",
        "report_mark",
        "report_task_day",
        "report_discharge_day",
        "report_return_day",
        "report_answer_day",
        "report_invitation_day",
    ):
        connection.execute(text(f"VACUUM ANALYZE {table}"))
