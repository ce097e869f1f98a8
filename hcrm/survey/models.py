"""Tables of questionnaires, responses and answers.

A response is one invitation, whatever mix of channels it is answered through. An answer that replaces another keeps
the earlier one, with the moment at which it was superseded.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Computed, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from hcrm.db import Base, BigId, Code, JsonObject, UtcDateTime, text_enum
from hcrm.survey.domain import Mode, Respondent, ResponseState, VersionStatus


class Questionnaire(Base):
    """A questionnaire by its code, which is stable for ever; ``facility_id`` is whose it is, None: that of all."""

    __tablename__ = "questionnaire"

    id: Mapped[BigId]
    code: Mapped[Code] = mapped_column(unique=True)
    facility_id: Mapped[int | None] = mapped_column(ForeignKey("facility.id"))
    name_en: Mapped[str]
    name_zh: Mapped[str]


class QuestionnaireVersion(Base):
    """One version of a questionnaire; published ones never change, because answers refer to them.

    At most one of them is a draft. ``revision`` counts its changes: whoever changes it says which one they saw. By
    ``digest`` a process knows a definition again that it has read before.
    """

    __tablename__ = "questionnaire_version"
    __table_args__ = (
        UniqueConstraint("questionnaire_id", "version"),
        Index(
            "uq_questionnaire_version_draft",
            "questionnaire_id",
            unique=True,
            postgresql_where=text("status = 'draft'"),
        ),
    )

    id: Mapped[BigId]
    questionnaire_id: Mapped[int] = mapped_column(ForeignKey("questionnaire.id"))
    version: Mapped[int]
    status: Mapped[VersionStatus] = mapped_column(text_enum(VersionStatus, "status"))
    definition: Mapped[JsonObject]
    digest: Mapped[str] = mapped_column(String(32), Computed("md5(definition::text)", persisted=True))
    published_at: Mapped[UtcDateTime | None]
    retired_at: Mapped[UtcDateTime | None]
    changed_at: Mapped[UtcDateTime | None]
    changed_by_user_id: Mapped[int | None] = mapped_column(BigInteger)
    revision: Mapped[int] = mapped_column(default=0, server_default=text("0"))


class SurveyResponse(Base):
    """One invitation to answer one version of a questionnaire; ``task_id`` is the follow-up task that asked for it.

    ``token_generation`` is raised when a link is taken back; ``failed_checks`` counts wrong birth dates on its pages.
    """

    __tablename__ = "survey_response"
    __table_args__ = (
        Index("uq_survey_response_task_id", "task_id", unique=True, postgresql_where=text("task_id IS NOT NULL")),
        Index("ix_survey_response_open", "expires_at", postgresql_where=text("closed_at IS NULL")),
        Index("ix_survey_response_facility_id_invited_at", "facility_id", "invited_at"),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    questionnaire_version_id: Mapped[int] = mapped_column(ForeignKey("questionnaire_version.id"))
    patient_id: Mapped[int] = mapped_column(ForeignKey("patient.id"), index=True)
    encounter_id: Mapped[int | None] = mapped_column(ForeignKey("encounter.id"), index=True)
    task_id: Mapped[int | None] = mapped_column(BigInteger)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), index=True)
    state: Mapped[ResponseState] = mapped_column(text_enum(ResponseState, "state"))
    token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    token_generation: Mapped[int] = mapped_column(default=0)
    language: Mapped[str | None] = mapped_column(String(16))
    respondent: Mapped[Respondent] = mapped_column(text_enum(Respondent, "respondent"))
    invited_at: Mapped[UtcDateTime]
    delivered_at: Mapped[UtcDateTime | None]
    started_at: Mapped[UtcDateTime | None]
    completed_at: Mapped[UtcDateTime | None]
    expires_at: Mapped[UtcDateTime]
    closed_at: Mapped[UtcDateTime | None]
    sms_position: Mapped[dict[str, object] | None] = mapped_column(JSONB)
    help_sent: Mapped[bool] = mapped_column(default=False)
    reminded_at: Mapped[UtcDateTime | None]
    link_revoked_at: Mapped[UtcDateTime | None]
    failed_checks: Mapped[int] = mapped_column(default=0, server_default=text("0"))


class SurveyAnswer(Base):
    """An answer to one question; ``device`` tells two phones apart that answer the same response at once."""

    __tablename__ = "survey_answer"
    __table_args__ = (
        Index(
            "uq_survey_answer_current",
            "response_id",
            "question_code",
            unique=True,
            postgresql_where=text("superseded_at IS NULL"),
        ),
        Index("ix_survey_answer_facility_id_answered_at", "facility_id", "answered_at"),
    )

    id: Mapped[BigId]
    facility_id: Mapped[int] = mapped_column(ForeignKey("facility.id"))
    response_id: Mapped[int] = mapped_column(ForeignKey("survey_response.id"), index=True)
    question_code: Mapped[Code]
    value: Mapped[int | str | list[str]] = mapped_column(JSONB)
    mode: Mapped[Mode] = mapped_column(text_enum(Mode, "mode"))
    respondent: Mapped[Respondent] = mapped_column(text_enum(Respondent, "respondent"))
    answered_at: Mapped[UtcDateTime]
    late: Mapped[bool] = mapped_column(default=False)
    actor_user_id: Mapped[int | None] = mapped_column(BigInteger)
    device: Mapped[str | None] = mapped_column(String(16))
    superseded_at: Mapped[UtcDateTime | None]
