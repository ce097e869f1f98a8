"""Undoing an import."""

from __future__ import annotations

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from hcrm.accounts.domain import Action
from hcrm.accounts.guard import current_actor, requires
from hcrm.intake import service
from hcrm.intake.forms import labels
from hcrm.intake.routes.access import one_batch
from hcrm.intake.routes.blueprint import blueprint
from hcrm.unit_of_work import unit_of_work
from hcrm.web import now, number


@blueprint.post("/imports/<int:batch_id>/undo")
@requires(Action.IMPORT_RECORDS)
def undo(batch_id: int) -> ResponseReturnValue:
    """Take back what an import brought, or say why that cannot be."""
    one_batch(batch_id)
    try:
        with unit_of_work() as session:
            taken = service.undo_batch(session, batch_id=batch_id, now=now(), actor_user_id=current_actor().user_id)
    except service.CannotUndo as refusal:
        for each in refusal.hindrances:
            flash(labels.hindrance_sentence(each.code, each.things), "high")
    else:
        flash(_undone(taken.stays_gone, taken.patients_gone, taken.stays_restored), "good")
    return redirect(url_for("intake.show", batch_id=batch_id), 303)


def _undone(stays: int, patients: int, restored: int) -> str:
    return str(
        _(
            "The import is undone: %(stays)s stays and %(patients)s patients are gone, %(restored)s stays are as they "
            "were before. The same file can be imported again.",
            stays=number(stays), patients=number(patients), restored=number(restored),
        )
    )  # fmt: skip
