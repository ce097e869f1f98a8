"""The questionnaires that a hospital finds on the first day."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.survey.domain import VersionStatus
from hcrm.survey.models import Questionnaire, QuestionnaireVersion
from hcrm.survey.readers import PACKAGED, packaged_definition, packaged_questionnaire


def install_default_questionnaires(session: Session, now: datetime) -> int:
    """Publish the packaged versions that are not there yet; returns how many were new.

    A version that is there is never touched. A newer packaged version becomes the published one, unless the hospital
    has a later version of its own.
    """
    return sum(_install(session, code, now) for code in PACKAGED)


def _install(session: Session, code: str, now: datetime) -> bool:
    packaged = packaged_questionnaire(code)
    session.execute(
        insert(Questionnaire)
        .values(code=code, name_en=packaged.name.en, name_zh=packaged.name.zh)
        .on_conflict_do_nothing(index_elements=["code"])
    )
    owner_id = session.scalars(select(Questionnaire.id).where(Questionnaire.code == code)).one()
    versions = session.scalars(
        select(QuestionnaireVersion).where(QuestionnaireVersion.questionnaire_id == owner_id)
    ).all()
    if any(row.version >= packaged.version for row in versions):
        return False
    for row in versions:
        if row.status is VersionStatus.PUBLISHED:
            row.status = VersionStatus.RETIRED
    session.add(
        QuestionnaireVersion(
            questionnaire_id=owner_id,
            version=packaged.version,
            status=VersionStatus.PUBLISHED,
            definition=dict(packaged_definition(code)),
            published_at=now,
        )
    )
    session.flush()
    return True
