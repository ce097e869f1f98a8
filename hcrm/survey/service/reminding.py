"""Reminders: once, and only to those who have answered nothing. Functions flush and never commit."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from hcrm.messaging.service import enqueue_many
from hcrm.organization import queries as organization
from hcrm.survey.domain import ResponseState
from hcrm.survey.models import SurveyResponse
from hcrm.survey.service.conversation import opening_request


def remind_due(session: Session, now: datetime, limit: int = 200) -> int:
    """Put reminders into the outbox, at most ``limit`` in all; returns how many.

    Whether a reminder is still right, after a STOP or too many messages, is decided when it is sent. Rows that
    somebody else works on are left for the next time.
    """
    done = 0
    for facility in organization.facilities(session):
        if facility.settings.survey_reminder_days:
            before = now - timedelta(days=facility.settings.survey_reminder_days)
            done += _remind(session, facility.id, before, now, limit - done)
    return done


def _remind(session: Session, facility_id: int, delivered_before: datetime, now: datetime, limit: int) -> int:
    rows = session.scalars(
        select(SurveyResponse)
        .where(
            SurveyResponse.facility_id == facility_id,
            SurveyResponse.closed_at.is_(None),
            SurveyResponse.expires_at > now,
            SurveyResponse.state == ResponseState.DELIVERED,
            SurveyResponse.started_at.is_(None),
            SurveyResponse.reminded_at.is_(None),
            SurveyResponse.delivered_at <= delivered_before,
        )
        .order_by(SurveyResponse.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    ).all()
    requests = [
        opening_request(
            session,
            response_id=row.id,
            key=f"survey:reminder:{row.id}:1",
            not_before=now,
            expires_at=row.expires_at,
            now=now,
            reminder=True,
        )
        for row in rows
    ]
    enqueue_many(session, requests, now=now)
    for row in rows:
        row.reminded_at = now
    session.flush()
    return len(rows)
