"""Two years of a hospital group, written by SQL alone: stays with five tasks each, tries, invitations and answers.

Deterministic, and nobody in it exists: names are counted, numbers come from a range that is given to nobody. One
patient in seven comes back within seven weeks, one stay in eight is in the emergency department, five calls in six are
made, one invitation in fifteen is answered. The first of several hospitals has two fifths of all discharges.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from psycopg import sql

NOW = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
"""The moment of this hospital group: what lies after it has not happened yet."""

ZONE = "Asia/Shanghai"
FILLED = (
    "patient",
    "patient_identifier",
    "contact_point",
    "encounter",
    "enrolment",
    "task",
    "attempt",
    "survey_response",
    "survey_answer",
)
"""The tables that get rows by the hundred thousand; their indexes are made after the rows."""


@dataclass(frozen=True, slots=True)
class Size:
    """How large the group is; a hospital has at least three departments."""

    discharges: int
    facilities: int
    departments: int
    days: int

    @property
    def patients(self) -> int:
        return self.discharges - self.discharges // 8


def size_of(discharges: int) -> Size:
    """Three departments for 10,000 discharges, a hospital for 200,000 (five at most); two years, or one of one."""
    facilities = min(5, max(1, discharges // 200_000))
    return Size(discharges, facilities, max(5, 3 * discharges // 10_000), 730 if facilities > 1 else 365)


_FACILITIES = """
INSERT INTO facility (code, name, name_zh, timezone, country, phone, settings, created_at)
SELECT 'G' || n, 'Hospital ' || n, '第' || n || '医院', %(zone)s, 'CN', '', '{}', %(now)s
FROM generate_series(1, %(facilities)s) AS n
"""
_PLACES = """
CREATE TEMPORARY TABLE place AS
SELECT n, facility_id, row_number() OVER (PARTITION BY facility_id ORDER BY n) - 1 AS position,
       count(*) OVER (PARTITION BY facility_id) AS places
FROM (
    SELECT n, (SELECT id FROM facility WHERE code = 'G' || CASE WHEN %(facilities)s = 1 THEN 1 ELSE
               LEAST((ARRAY[1,1,1,1,1,1,1,1,2,2,2,3,3,3,4,4,4,5,5,5])[1 + n %% 20], %(facilities)s) END) AS facility_id
    FROM generate_series(1, %(departments)s) AS n
) AS numbered
"""
_DEPARTMENTS = """
INSERT INTO department (id, facility_id, code, name, name_zh, needs_review, active, created_at)
OVERRIDING SYSTEM VALUE
SELECT n, facility_id, 'D' || lpad(n::text, 3, '0'),
       CASE WHEN position = 0 THEN 'Emergency ' ELSE 'Department ' END || n,
       CASE WHEN position = 0 THEN '急诊' ELSE '第' END || n || '科室', false, true, %(now)s
FROM place
"""
_CLINICIANS = """
INSERT INTO clinician (id, facility_id, code, name)
OVERRIDING SYSTEM VALUE
SELECT 4 * (n - 1) + k, facility_id, 'C' || n || '-' || k, 'Physician ' || n || '-' || k
FROM place, generate_series(1, 4) AS k
"""
_ACCOUNTS = """
INSERT INTO user_account (id, username, password_hash, display_name, language, active, must_change_password,
                          session_epoch, created_at)
OVERRIDING SYSTEM VALUE
SELECT id, name, %(hash)s, initcap(name), 'en', true, false, 1, %(now)s
FROM (
    SELECT n AS id, 'nurse' || n AS name FROM place
    UNION ALL SELECT 1000 + n, 'head' || n FROM place
    UNION ALL SELECT 2000 + 10 * f.n + r.place, r.name || f.n
    FROM (SELECT row_number() OVER (ORDER BY id) AS n FROM facility) AS f,
         (VALUES (1, 'manager'), (2, 'agent'), (3, 'quality'), (4, 'admin'), (5, 'complaints'), (6, 'outreach'))
             AS r (place, name)
    UNION ALL VALUES (3001, 'director'), (3002, 'group')
) AS accounts
"""
_MEMBERSHIPS = """
INSERT INTO membership (user_id, facility_id, role, department_id)
SELECT n, facility_id, 'nurse', n FROM place
UNION ALL SELECT 1000 + n, facility_id, 'department_head', n FROM place
UNION ALL SELECT 2000 + 10 * f.n + r.place, f.id, r.name, NULL
FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM facility) AS f,
     (VALUES (1, 'manager'), (2, 'service_agent'), (3, 'quality_officer'), (4, 'administrator'),
             (5, 'complaints_officer'), (6, 'outreach_worker')) AS r (place, name)
UNION ALL SELECT 3001, id, 'manager', NULL FROM facility
UNION ALL SELECT 3002, id, 'group_administrator', NULL FROM facility
"""
_SEATS = """
CREATE TEMPORARY TABLE seat AS
SELECT p.facility_id, s.seat, d.n AS department_id
FROM generate_series(0, 1023) AS s (seat)
CROSS JOIN (SELECT DISTINCT facility_id, places FROM place) AS p
JOIN place AS d ON d.facility_id = p.facility_id
               AND d.position = 1 + floor((p.places - 1) * power(s.seat / 1024.0, 1.6))
"""
"""Departments by size: of 1,024 seats of a hospital the large ones have many, the emergency department none."""

_PATIENTS = """
INSERT INTO patient (id, facility_id, person_id, family_name, given_name, full_name, name_sort_key, sex, birth_date,
                     language, deceased_state, diagnosis_not_told, open_dispute, loss_of_baby, address,
                     created_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT i, f.id, CASE WHEN i %% 5000 = 3 THEN i - 1 ELSE i END, 'Family' || i, 'Given', 'Given Family' || i,
       'family' || i, CASE WHEN i %% 2 = 0 THEN 'female' ELSE 'male' END, DATE '1932-01-01' + (i * 37 %% 32000)::int,
       'en', 'none', false, false, false, '', %(now)s, %(now)s
FROM generate_series(1, %(patients)s) AS i
JOIN facility AS f ON f.code = 'G' || CASE WHEN %(facilities)s = 1 THEN 1 ELSE
     LEAST((ARRAY[1,1,1,1,1,1,1,1,2,2,2,3,3,3,4,4,4,5,5,5])[1 + i %% 20], %(facilities)s) END
"""
_IDENTIFIERS = """
INSERT INTO patient_identifier (facility_id, value, system, patient_id)
SELECT facility_id, 'MRN' || lpad(id::text, 8, '0'), 'mrn', id FROM patient
"""
_NUMBERS = """
INSERT INTO contact_point (id, facility_id, patient_id, number, number_reversed, raw, line_type, owner_kind, owner_name,
                           relationship, may_discuss_health, rank, valid_from)
OVERRIDING SYSTEM VALUE
SELECT id, facility_id, id, '+444' || digits, reverse('444' || digits), '+444' || digits, 'mobile', 'patient', '', '',
       true, 0, %(now)s::timestamptz - INTERVAL '3 years'
FROM (SELECT id, facility_id, lpad(id::text, 9, '0') AS digits FROM patient) AS numbered
"""
_STAYS = """
INSERT INTO encounter (id, facility_id, patient_id, source, visit_number, class, post_acute, status, planned,
                       admitted_at, discharged_at, admitted_on, discharged_on, department_id, clinician_id, nurse,
                       disposition, principal_diagnosis, diagnoses, procedures, readmission_plan_31d, sensitive, payer,
                       contact_name, contact_relationship, needs_review, head_hash, head_event_at, head_rank,
                       created_at, updated_at)
OVERRIDING SYSTEM VALUE
SELECT i, facility_id, p, 'bench', 'V' || i, class, false, 'finished',
       CASE WHEN i %% 9 = 0 THEN true WHEN i %% 4 = 0 THEN NULL ELSE false END,
       out_at - lay, out_at, ((out_at - lay) AT TIME ZONE %(zone)s)::date, (out_at AT TIME ZONE %(zone)s)::date,
       department_id, 4 * (department_id - 1) + 1 + i %% 4, '',
       CASE WHEN last AND i %% 70 = 0 THEN 'expired' WHEN class = 'EMER' AND i %% 5 = 0 THEN 'admitted'
            WHEN i %% 33 = 0 THEN 'transfer_acute' WHEN i %% 29 = 0 THEN 'against_advice' ELSE 'home' END,
       diagnosis, ARRAY[diagnosis], '[]', CASE WHEN i %% 13 = 0 THEN true WHEN i %% 2 = 0 THEN false END, false, '', '',
       '', false, 0, %(now)s, 0, %(now)s, %(now)s
FROM (
    SELECT i, p, facility_id, last, lay, class,
           CASE WHEN class = 'EMER' THEN emergency ELSE seat.department_id END AS department_id,
           (ARRAY['I50.9','I21.4','J18.9','J44.1','K35.8','K80.2','S72.0','C34.1','C50.9','N18.5','E11.9','O80.0',
                  'I63.9','Z51.1','M17.1','K92.2'])[1 + (p * 31 + i / 900001) %% 16] AS diagnosis,
           CASE WHEN i > %(patients)s THEN first_at + lay + INTERVAL '6 hours' + (p * 7) %% 45 * INTERVAL '1 day'
                ELSE first_at END AS out_at
    FROM (
        SELECT i, patient.id AS p, patient.facility_id,
               i > %(patients)s OR i > %(discharges)s - %(patients)s AS last,
               CASE WHEN i %% 8 = 3 THEN 'EMER' WHEN i %% 25 = 1 THEN 'SS' ELSE 'IMP' END AS class,
               CASE WHEN i %% 8 = 3 THEN (2 + i %% 10) * INTERVAL '1 hour' WHEN i %% 25 = 1 THEN INTERVAL '9 hours'
                    ELSE (1 + i %% 9) * INTERVAL '1 day' END AS lay,
               (patient.id * 104729 %% 1021 + 3 * (patient.id %% 2))::int AS seat,
               %(now)s::timestamptz - INTERVAL '1 hour'
                   - (patient.id * 7919 %% (%(days)s * 1440)) * INTERVAL '1 minute'
                   - CASE WHEN patient.id <= %(discharges)s - %(patients)s THEN INTERVAL '60 days' ELSE INTERVAL '0' END
                   AS first_at
        FROM generate_series(1, %(discharges)s) AS i
        JOIN patient ON patient.id = CASE WHEN i > %(patients)s THEN i - %(patients)s ELSE i END
    ) AS begun
    JOIN seat USING (facility_id, seat)
    JOIN (SELECT facility_id, n AS emergency FROM place WHERE position = 0) AS first USING (facility_id)
) AS stays
"""
_DEATHS = """
UPDATE patient
SET deceased_state = 'confirmed',
    deceased_on = encounter.discharged_on + CASE WHEN disposition = 'expired' THEN 0 ELSE (patient.id %% 60)::int END
FROM encounter
WHERE encounter.patient_id = patient.id
    AND (disposition = 'expired' OR (patient.id %% 199 = 0 AND patient.id > %(discharges)s - %(patients)s
                                     AND discharged_on < %(now)s::date - 61))
"""
_ENROLMENTS = """
INSERT INTO enrolment (id, facility_id, plan_id, plan_version_id, patient_id, encounter_id, discharged_on, risk,
                       risk_score, status, enrolled_at)
OVERRIDING SYSTEM VALUE
SELECT e.id, e.facility_id, v.plan_id, v.id, e.patient_id, e.id, e.discharged_on,
       CASE WHEN e.id %% 5 = 0 THEN 'high' ELSE 'low' END, e.id * 11 %% 20,
       CASE WHEN e.discharged_on < %(now)s::date - 31 THEN 'completed' ELSE 'active' END, %(now)s
FROM encounter AS e
CROSS JOIN (
    SELECT plan_version.id, plan_id FROM plan_version JOIN plan ON plan.id = plan_id WHERE code = 'three_level' LIMIT 1
) AS v
WHERE e.disposition <> 'expired'
"""
_TASKS = """
INSERT INTO task (facility_id, enrolment_id, encounter_id, patient_id, department_id, clinician_id, step_code, tier,
                  channel, performer_role, questionnaire_code, window_starts_at, target_at, due_at, due_on,
                  discharged_on, status, reason, risk, attempt_count, first_attempt_at, last_attempt_at, reached_at,
                  completed_at, ended_at, ended_by_user_id, condition, self_reported, generation, created_at)
SELECT facility_id, id, id, patient_id, department_id, clinician_id, code, tier, channel, performer, form,
       window_starts_at, window_starts_at, due_at, discharged_on + last_day, discharged_on,
       CASE WHEN over THEN outcome ELSE 'open' END,
       CASE WHEN over AND outcome = 'cancelled' THEN (ARRAY['readmitted', 'opted_out', 'transferred'])[1 + n %% 3]
            WHEN over AND outcome = 'failed' AND person IS NULL THEN 'not_delivered'
            WHEN over AND outcome = 'failed' THEN 'unable_to_contact' END,
       CASE WHEN id %% 5 = 0 THEN 'high' ELSE 'low' END, CASE WHEN over AND tried THEN tries ELSE 0 END,
       CASE WHEN over AND tried THEN done_at END,
       CASE WHEN over AND tried THEN done_at + (tries - 1) * INTERVAL '26 hours' END,
       CASE WHEN over AND outcome = 'completed' THEN done_at + (tries - 1) * INTERVAL '26 hours' END,
       CASE WHEN over AND outcome = 'completed' THEN done_at + (tries - 1) * INTERVAL '26 hours' END,
       CASE WHEN over AND outcome <> 'open' THEN LEAST(done_at + (tries - 1) * INTERVAL '26 hours', due_at) END,
       CASE WHEN over AND outcome IN ('completed', 'failed') THEN person END, 'always', false, 1, %(now)s
FROM (
    SELECT planned.*, ended AND done_at + INTERVAL '26 hours' <= %(now)s::timestamptz AS over
    FROM (
    SELECT e.id, e.facility_id, e.patient_id, e.department_id, e.clinician_id, e.discharged_on, s.*,
           (e.id * 389 + s.place * 17) %% 1000 AS n,
           CASE s.performer WHEN 'nurse' THEN e.department_id WHEN 'physician' THEN 1000 + e.department_id
                WHEN 'service_agent' THEN 2002 + 10 * (1 + (e.facility_id - f.first_id))
                WHEN 'outreach_worker' THEN 2006 + 10 * (1 + (e.facility_id - f.first_id)) END AS person,
           CASE WHEN s.performer <> 'system' AND (e.id * 61 + s.place) %% 3 = 0 THEN 2 ELSE 1 END AS tries,
           (e.discharged_on + s.first_day)::timestamp AT TIME ZONE %(zone)s + INTERVAL '8 hours' AS window_starts_at,
           (e.discharged_on + s.last_day)::timestamp AT TIME ZONE %(zone)s + INTERVAL '20 hours' AS due_at,
           (e.discharged_on + s.first_day)::timestamp AT TIME ZONE %(zone)s
               + (32 + (e.id * 71 + s.place) %% 12) * INTERVAL '1 hour' + (e.id * 53 %% 60) * INTERVAL '1 minute'
               + CASE WHEN (e.id * 13) %% 11 = 0 THEN INTERVAL '9 days' ELSE INTERVAL '0' END AS done_at,
           e.discharged_on < (%(now)s::timestamptz AT TIME ZONE %(zone)s)::date - s.last_day AS ended,
           CASE WHEN (e.id * 389 + s.place * 17) %% 1000 < 40 THEN 'cancelled'
                WHEN (e.id * 389 + s.place * 17) %% 1000 < 100 THEN 'failed'
                WHEN (e.id * 389 + s.place * 17) %% 1000 < 160 AND s.performer <> 'system' THEN 'open'
                ELSE 'completed' END AS outcome,
           (e.id * 389 + s.place * 17) %% 1000 NOT BETWEEN 100 AND 130 AS tried
    FROM encounter AS e
    CROSS JOIN (SELECT min(id) AS first_id FROM facility) AS f
    CROSS JOIN (VALUES (1, 'welcome', NULL::smallint, 'sms', 'system', NULL, 1, 2, 100),
                       (2, 'clinical_call', 1::smallint, 'phone', 'nurse', 'CLIN_GEN', 1, 7, 100),
                       (3, 'survey', 2::smallint, 'sms', 'system', 'SAT_IP', 8, 14, 100),
                       (4, 'survey_phone', 2::smallint, 'phone', 'service_agent', 'SAT_IP', 10, 14, 100),
                       (5, 'high_risk_call', 1::smallint, 'phone', 'physician', 'CLIN_GEN', 1, 7, 20),
                       (6, 'recall', 1::smallint, 'phone', 'service_agent', 'RECALL', 8, 14, 10),
                       (7, 'home_visit', 3::smallint, 'home_visit', 'outreach_worker', 'CLIN_GEN', 15, 30, 10),
                       (8, 'revisit_reminder', 2::smallint, 'sms', 'system', NULL, 20, 27, 70))
        AS s (place, code, tier, channel, performer, form, first_day, last_day, share)
    WHERE e.disposition <> 'expired' AND (e.id * 17 + s.place * 29) %% 100 < s.share
    ) AS planned
) AS known
"""
_ATTEMPTS = """
INSERT INTO attempt (facility_id, task_id, user_id, contact_point_id, number, owner_kind, connection, disposition, note,
                     started_at, ended_at, self_reported, key)
SELECT t.facility_id, t.id, t.ended_by_user_id, t.patient_id, '+444' || lpad(t.patient_id::text, 9, '0'), 'patient',
       CASE WHEN reached THEN 'answered_patient'
            ELSE (ARRAY['no_answer', 'busy', 'powered_off', 'wrong_number'])[1 + t.id %% 4] END,
       CASE WHEN reached THEN 'completed' END, '', at, at + INTERVAL '4 minutes', false, 'bench:' || t.id || ':' || k
FROM (
    SELECT task.*, k, first_attempt_at + (k - 1) * INTERVAL '26 hours' AS at,
           status = 'completed' AND k = attempt_count AS reached
    FROM task, generate_series(1, 2) AS k
    WHERE channel IN ('phone', 'home_visit') AND attempt_count >= k
) AS t
"""
_RESPONSES = """
INSERT INTO survey_response (id, facility_id, questionnaire_version_id, patient_id, encounter_id, department_id, state,
                             token_generation, respondent, invited_at, delivered_at, started_at, completed_at,
                             closed_at, expires_at, help_sent)
OVERRIDING SYSTEM VALUE
SELECT e.id, e.facility_id, v.id, e.patient_id, e.id, e.department_id,
       CASE WHEN e.id %% 15 = 0 THEN 'completed' ELSE 'expired' END, 1, 'patient', invited_at,
       CASE WHEN e.id %% 30 <> 7 THEN invited_at END, CASE WHEN e.id %% 15 = 0 THEN answered_at END,
       CASE WHEN e.id %% 15 = 0 THEN answered_at END, invited_at + INTERVAL '6 days', invited_at + INTERVAL '6 days',
       false
FROM (
    SELECT *, discharged_at + INTERVAL '8 days' AS invited_at,
           discharged_at + INTERVAL '8 days' + (id * 77 %% 5000) * INTERVAL '1 minute' AS answered_at
    FROM encounter
) AS e
CROSS JOIN (SELECT v.id FROM questionnaire_version AS v JOIN questionnaire AS q ON q.id = v.questionnaire_id
            WHERE q.code = 'SAT_IP' LIMIT 1) AS v
WHERE e.disposition <> 'expired' AND e.discharged_at < %(now)s::timestamptz - INTERVAL '15 days'
"""
_ANSWERS = """
INSERT INTO survey_answer (facility_id, response_id, question_code, value, mode, respondent, answered_at, late)
SELECT r.facility_id, r.id, q.code,
       CASE q.code
           WHEN 'recommend' THEN to_jsonb(LEAST(10, 2 * mood + (r.id * 7) %% 3))
           WHEN 'comment' THEN to_jsonb((ARRAY['The nurses were kind and patient.', '护士很耐心，谢谢。',
               'Nobody explained my medicines.', '出院时没有人说明怎么吃药。', 'The ward was loud at night.',
               '晚上太吵，睡不好。', 'Waited for hours.', '食堂的饭菜太贵。'])[1 + r.id / 15 %% 8])
           ELSE to_jsonb(GREATEST(1, LEAST(5, mood + (r.id * q.place / 15) %% 3 - 1))) END,
       (ARRAY['sms', 'web', 'web', 'phone'])[1 + r.id / 15 %% 4], 'patient', r.completed_at, false
FROM (SELECT *, (5 - (id / 15 %% 10 = 0)::int * 3 - (id / 15 %% 3 = 0)::int)::int AS mood FROM survey_response) AS r
CROSS JOIN (VALUES (1, 'overall'), (2, 'nurse_comm'), (3, 'doctor_comm'), (4, 'discharge_info'), (5, 'medicine_info'),
                   (6, 'night_quiet'), (7, 'recommend'), (8, 'comment')) AS q (place, code)
WHERE r.state = 'completed'
"""
_MARKS = """
INSERT INTO report_mark (kind, facility_id, day)
SELECT DISTINCT 'task', facility_id, due_on FROM task
UNION ALL
SELECT DISTINCT 'stay', facility_id, discharged_on FROM encounter
UNION ALL
SELECT DISTINCT 'answer', facility_id, (answered_at AT TIME ZONE %(zone)s)::date FROM survey_answer
UNION ALL
SELECT DISTINCT 'invitation', facility_id, (invited_at AT TIME ZONE %(zone)s)::date FROM survey_response
"""
STATEMENTS = (
    _FACILITIES,
    _PLACES,
    _DEPARTMENTS,
    _CLINICIANS,
    _ACCOUNTS,
    _MEMBERSHIPS,
    _SEATS,
    _PATIENTS,
    _IDENTIFIERS,
    _NUMBERS,
    "ANALYZE patient",
    _STAYS,
    "ANALYZE encounter",
    _DEATHS,
    _ENROLMENTS,
    _TASKS,
    _ATTEMPTS,
    _RESPONSES,
    _ANSWERS,
    _MARKS,
)


def fill(connection: psycopg.Connection, size: Size, password_hash: str) -> None:
    """Write the group into a database of its own that has plans and questionnaires.

    The login has all rights: triggers, looks at keys and indexes rest meanwhile, so the days to add up are marked here.
    """
    values = {
        "facilities": size.facilities,
        "departments": size.departments,
        "discharges": size.discharges,
        "patients": size.patients,
        "days": size.days,
        "zone": ZONE,
        "now": NOW,
        "hash": password_hash,
    }
    connection.execute("SET session_replication_role = replica; SET synchronous_commit = off; SET jit = off")
    connection.execute("SET work_mem = '256MB'; SET maintenance_work_mem = '1GB'")
    with _indexes_after(connection):
        for statement in STATEMENTS:
            psycopg.ClientCursor(connection).execute(statement, values)
    for (table,) in connection.execute("SELECT relname FROM pg_class WHERE relname = ANY(%s)", [_NUMBERED]).fetchall():
        connection.execute(
            sql.SQL("SELECT setval(pg_get_serial_sequence({name}, 'id'), max(id)) FROM {table}").format(
                name=sql.Literal(table), table=sql.Identifier(table)
            )
        )


_NUMBERED = [
    "department",
    "clinician",
    "user_account",
    "patient",
    "contact_point",
    "encounter",
    "enrolment",
    "survey_response",
]
"""Tables whose ids were given here and not drawn from their sequences."""


@contextmanager
def _indexes_after(connection: psycopg.Connection) -> Iterator[None]:
    """Take away the indexes of the large tables that hold no constraint, and make them again when they are full."""
    rows = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE tablename = ANY(%s)"
        " AND indexname NOT IN (SELECT conname FROM pg_constraint)",
        [list(FILLED)],
    ).fetchall()
    for name, _definition in rows:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    yield
    for _name, definition in rows:
        connection.execute(definition)
