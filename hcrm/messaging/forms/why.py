"""The sentences of *why (not)?*: what each rule asks, and its fact in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hcrm.messaging.domain import Finding, InboundState, MessageStatus, Outcome, Reason
from hcrm.messaging.forms import INBOUND_STATES, OUTCOMES, REASONS, STATUSES
from hcrm.messaging.forms.wording import PROVIDER_NAMES, TEXT_NAMES
from hcrm.web import local_datetime

RULES: Mapping[str, str] = {
    "still_useful": _l("Is it still useful?"),
    "due": _l("Has its time come?"),
    "alive": _l("Is the patient alive, as far as we know?"),
    "plan_goes_on": _l("Does the plan behind it go on?"),
    "no_dispute": _l("Is there no open dispute?"),
    "consent": _l("Does the patient want messages of this kind?"),
    "number": _l("Is there a phone to send it to?"),
    "not_stopped": _l("Has this phone not said STOP?"),
    "survey_limit": _l("Was no other survey sent lately?"),
    "weekly_limit": _l("Were there few other messages this week?"),
    "complete": _l("Is everything there that the text needs?"),
    "provider_takes_it": _l("Does the provider take such a text for this phone?"),
    "sending_hours": _l("Is it a time of day for texts?"),
    "phone_free": _l("Does no other conversation wait for a reply from this phone?"),
    "provider_ready": _l("Does the provider take messages at the moment?"),
    "its_turn": _l("Was it its turn?"),
    "handed_over": _l("Did the provider take it?"),
    "arrived": _l("Did it reach the phone?"),
    "still_wanted": _l("Was it still wanted?"),
    "settled": _l("Did a person decide what to do about it?"),
    "stored": _l("Was the text stored?"),
    "words_alone": _l("Did it come without pictures and recordings?"),
    "whose": _l("Is it clear whose text it is?"),
    "keyword": _l("Is it a word like STOP, START or HELP?"),
    "changes_something": _l("Did that word change anything?"),
    "question_waits": _l("Was a question waiting for a reply from this phone?"),
    "understood": _l("Could the reply be read?"),
    "rules_worked": _l("Could the rules be asked?"),
    "taken": _l("Has it been looked at?"),
    "dealt_with": _l("Has it been dealt with?"),
    "dealt_with_by_person": _l("Did a person deal with it?"),
    "replied": _l("Was it answered?"),
}

FACTS: Mapping[str, str] = {
    "none": _l("no death on record"),
    "pending": _l("a death was reported and is not yet confirmed"),
    "confirmed": _l("a death is on record"),
    "readmitted": _l("the patient is in hospital again"),
    "outdated": _l("the appointment has changed since"),
    "stay_cancelled": _l("the stay was cancelled in the hospital's records"),
    "care": _l("messages about care"),
    "survey": _l("satisfaction surveys"),
    "phone_that_wrote": _l("the phone that wrote gets the answer"),
    "own_number": _l("the patient's own number"),
    "relative": _l("a relative with whom health may be discussed"),
    "parent": _l("a parent, because the patient is under 14"),
    "only_landline": _l("only a landline is on record"),
    "no_number": _l("no number is on record"),
    "no_valid_number": _l("no number on record is valid"),
    "no_parent_number": _l("under 14, and no parent's number is on record"),
    "sensitive_own_number_only": _l("after this stay only the patient's own number may be used, and there is none"),
    "country_not_served": _l("the provider does not serve the country of this number"),
    "no_replies": _l("nobody can reply to the provider's texts in this country"),
    "no_links": _l("the provider takes no links in this country"),
    "not_registered": _l("the provider wants the wording registered, and no number for it is on record"),
    "template": _l("there is no published wording"),
    "conversation": _l("the conversation that waits with this phone is one patient's"),
    "only_one": _l("only one patient has this number"),
    "several": _l("several patients have this number: nobody guesses"),
    "nobody": _l("no patient has this number"),
    "for_appointment": _l("while an appointment waits for a reply, this word answers it"),
    "confirm": _l("read as: comes"),
    "move": _l("read as: wants another time"),
    "cancel": _l("read as: does not come"),
    "stop": _l("no more texts"),
    "start": _l("texts again"),
    "help": _l("asks for help"),
}


def fact_of(finding: Finding, zone: ZoneInfo) -> str:
    """The fact of a finding in words: a moment by the hospital's clock, a known code, or the names that are missing."""
    if finding.rule in _SENTENCES:
        return _SENTENCES[finding.rule](finding)
    if finding.fact in FACTS:
        return str(FACTS[finding.fact])
    try:
        return str(local_datetime(datetime.fromisoformat(finding.fact), zone))
    except ValueError:
        return finding.fact


def _provider(finding: Finding) -> str:
    """Who was asked to send it, and the code of its answer."""
    name = _("simulated phones") if finding.fact == "console" else PROVIDER_NAMES.get(finding.fact, finding.fact)
    return str(_("%(provider)s, code %(code)s", provider=name, code=finding.detail) if finding.detail else name)


def _ending(finding: Finding) -> str:
    """A reason or a status in words."""
    if finding.fact in set(Reason):
        return str(REASONS[Reason(finding.fact)])
    return str(STATUSES[MessageStatus(finding.fact)][1]) if finding.fact in set(MessageStatus) else finding.fact


def _outcome(finding: Finding) -> str:
    """What came of a text from a phone."""
    if finding.fact in set(Outcome):
        return str(OUTCOMES[Outcome(finding.fact)])
    return str(INBOUND_STATES[InboundState(finding.fact)][1]) if finding.fact else ""


def _read_as(finding: Finding) -> str:
    """What a reply was read as: the word of an appointment, or the answer to a question."""
    if finding.fact in FACTS:
        return str(FACTS[finding.fact])
    question, _equals, value = finding.fact.partition("=")
    if not question:
        return ""
    if not value:
        return str(_("question “%(question)s”, in the person's own words", question=question))
    return str(_("question “%(question)s”: %(value)s", question=question, value=value))


def _replied(finding: Finding) -> str:
    return str(TEXT_NAMES.get(finding.fact, finding.fact))


def _count(finding: Finding) -> str:
    return str(_("%(count)s in the last 7 days", count=finding.fact))


def _turn(_finding: Finding) -> str:
    return str(_("only so many messages go out in a second, the most urgent first"))


_TOPICS = {"survey": _l("the survey"), "appointment": _l("about an appointment")}

_SENTENCES: Mapping[str, Callable[[Finding], str]] = {
    "handed_over": _provider,
    "arrived": _ending,
    "still_wanted": _ending,
    "weekly_limit": _count,
    "its_turn": _turn,
    "dealt_with": _outcome,
    "dealt_with_by_person": _outcome,
    "understood": _read_as,
    "replied": _replied,
    "words_alone": lambda finding: str(_("%(count)s, not kept", count=finding.fact)),
    "question_waits": lambda finding: str(_TOPICS.get(finding.fact, finding.fact)),
}
