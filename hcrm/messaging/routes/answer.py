"""Answering a text from the Inbox in one's own words."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, require_object, requires
from hcrm.messaging import queries, service
from hcrm.messaging.domain import measure, revealing_words
from hcrm.messaging.forms import AnswerForm
from hcrm.messaging.routes.blueprint import blueprint
from hcrm.patients.queries import patient_snapshots
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now


def _names(text_id: int) -> tuple[str, ...]:
    """The name of the patient who wrote; 404 without such a text, 403 outside the person's wards."""
    with unit_of_work() as session:
        place, text = queries.place_of_text(session, text_id), queries.inbound(session, text_id)
        if place is None or text is None:
            abort(404)
        known = patient_snapshots(session, {text.patient_id} - {None}) if text.patient_id else {}
    require_object(Action.WORK_INBOX, place.facility_id, place.department_ids)
    return tuple(patient.full_name for patient in known.values())


@blueprint.post("/inbox/<int:text_id>/answer")
@requires(Action.WORK_INBOX)
def answer_text(text_id: int) -> ResponseReturnValue:
    """Send an answer; one with words that could reveal something is shown once more before."""
    names, form = _names(text_id), AnswerForm()
    body = form.answer.data or ""
    if not form.validate_on_submit():
        flash(form.answer.errors[0] if form.answer.errors else _("Write something first."), "high")
        return redirect(url_for("messaging.text", text_id=text_id))
    words = revealing_words(body, names)
    if words and not form.sure.data:
        return render_template(
            "messaging/answer.html", form=form, words=words, text_id=text_id, length=measure(body)
        ), 422
    kind, said, done = _answer(text_id, body, finish=bool(form.finish.data))
    flash(said, kind)
    return redirect(url_for("messaging.inbox") if done else url_for("messaging.text", text_id=text_id))


def _answer(text_id: int, body: str, *, finish: bool) -> tuple[str, str, bool]:
    """Send it; what is said then, and whether the text has left the list."""
    user_id, moment = current_actor().user_id, now()
    try:
        with unit_of_work() as session:
            service.answer_text(session, text_id, body=body, finish=finish, actor_user_id=user_id, now=moment)
    except service.AlreadyHandled:
        return "info", _("Somebody has dealt with this text already."), False
    except service.ClaimedByOther:
        return "high", _("A colleague is dealing with this text. Ask them to hand it over."), False
    except service.WhoseIsOpen:
        return "high", _("Say first whose text it is: this phone is shared."), False
    except service.PhoneStopped:
        return "high", _("This phone said STOP, so no text may go to it. You can phone instead."), False
    except service.AnswerTooLong:
        return "high", _("The answer is too long for a text: shorten it, or phone."), False
    return "good", _("Your answer will be sent in texting hours."), finish
