"""The hospital's own lists of words for sorting comments."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from hcrm.audit.service import record
from hcrm.reporting.domain.comments import DEFAULT_WORDS, words_of
from hcrm.reporting.models import WordList

LONGEST = 4000


def keep_words(
    session: Session, *, facility_id: int, lists: Mapping[str, str], now: datetime, actor_user_id: int
) -> None:
    """Keep the lists that differ from the shipped ones; a list that is as shipped, or empty, is the shipped one."""
    for tag, text in lists.items():
        words = " ".join(words_of(text))[:LONGEST]
        if words in {"", " ".join(words_of(DEFAULT_WORDS[tag]))}:
            session.execute(delete(WordList).where(WordList.facility_id == facility_id, WordList.tag == tag))
            continue
        values = {"words": words, "changed_by": actor_user_id, "changed_at": now}
        statement = insert(WordList).values(facility_id=facility_id, tag=tag, **values)
        session.execute(statement.on_conflict_do_update(index_elements=["facility_id", "tag"], set_=values))
    record(
        session,
        now=now,
        action="figures.words_kept",
        actor_user_id=actor_user_id,
        facility_id=facility_id,
        object_kind="word_list",
    )
