"""The table of all background jobs. What is due stands in the tables of the domain, so a missed tick heals itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from hcrm.appointments import jobs as appointments
from hcrm.audit import jobs as audit
from hcrm.followup import jobs as followup
from hcrm.intake import jobs as intake
from hcrm.messaging import jobs as messaging
from hcrm.patients import jobs as patients
from hcrm.reporting import jobs as reporting
from hcrm.survey import jobs as survey
from hcrm.unit_of_work import Runtime
from hcrm.wiring import RECEIPT_READINGS, sms_providers, sms_rates


@dataclass(frozen=True, slots=True)
class Job:
    """A function that is called ``every`` so often and returns how many items it did.

    ``needs_leader``: only the leading worker runs it; others run in every worker, for they share work by row locks.
    """

    name: str
    function: Callable[[Runtime], int]
    every: timedelta
    needs_leader: bool


def send_messages(runtime: Runtime) -> int:
    """Hand over the messages that are due."""
    return messaging.send_due(runtime, sms_providers(runtime), rates=sms_rates(runtime.settings))


def settle_messages(runtime: Runtime) -> int:
    """Look after messages whose sender vanished."""
    return messaging.settle_in_doubt(runtime, sms_providers(runtime))


def look_again(runtime: Runtime) -> int:
    """Ask about messages whose end or price the provider has not told."""
    return messaging.look_again(runtime, sms_providers(runtime))


def apply_receipts(runtime: Runtime) -> int:
    """Take over what providers told about messages."""
    return messaging.apply_receipts(runtime, RECEIPT_READINGS)


JOBS: tuple[Job, ...] = (
    Job("take_replies", messaging.handle_inbound, timedelta(seconds=2), needs_leader=False),
    Job("apply_receipts", apply_receipts, timedelta(seconds=2), needs_leader=False),
    Job("send_messages", send_messages, timedelta(seconds=2), needs_leader=False),
    Job("run_imports", intake.run_pending_batches, timedelta(seconds=3), needs_leader=False),
    Job("apply_waiting_messages", intake.apply_waiting_messages, timedelta(minutes=1), needs_leader=True),
    Job("thin_messages", intake.thin_messages, timedelta(hours=1), needs_leader=True),
    Job("find_duplicates", patients.find_duplicates, timedelta(minutes=5), needs_leader=True),
    Job("release_due_steps", followup.release_due_steps, timedelta(seconds=5), needs_leader=True),
    Job("climb_ladders", followup.climb_ladders, timedelta(seconds=20), needs_leader=False),
    Job("send_reminders", appointments.send_reminders, timedelta(seconds=20), needs_leader=True),
    Job("lapse_offers", appointments.lapse_offers, timedelta(seconds=20), needs_leader=True),
    Job("notice_missed", appointments.notice_missed, timedelta(minutes=5), needs_leader=True),
    Job("remind_of_surveys", survey.remind_of_surveys, timedelta(minutes=5), needs_leader=True),
    Job("expire_responses", survey.expire_responses, timedelta(minutes=1), needs_leader=True),
    Job("settle_messages", settle_messages, timedelta(seconds=15), needs_leader=True),
    Job("look_again", look_again, timedelta(seconds=30), needs_leader=True),
    Job("expire_messages", messaging.expire_messages, timedelta(minutes=1), needs_leader=True),
    Job("send_letters", reporting.send_letters, timedelta(minutes=15), needs_leader=True),
    Job("add_up_days", reporting.add_up_days, timedelta(seconds=5), needs_leader=True),
    Job("seal_audit", audit.seal, timedelta(minutes=1), needs_leader=True),
)
