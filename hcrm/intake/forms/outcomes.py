"""Answers to systems that post FHIR: an OperationOutcome, or for a batch or transaction a Bundle of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hcrm.intake.domain import RowError, RowRefused, Severity
from hcrm.intake.forms.labels import row_advice, row_sentence
from hcrm.intake.readers.fhir.posted import ANSWERED_BY_ENTRY, Posted
from hcrm.intake.service.posts import Taken

Json = dict[str, Any]

CODES: Final[Mapping[str, str]] = {
    "bad_json": "structure", "bad_utf8": "structure", "no_resource": "structure", "nested_too_deep": "structure",
    "missing_mrn": "required", "missing_dates": "required", "patient_missing": "not-found",
    "database_refused": "exception", "unavailable": "transient", "unauthorized": "login", "too_large": "too-long",
    "wrong_type": "not-supported", "too_long": "too-long", "document_too_long": "too-long",
}  # fmt: skip
"""The issue types of FHIR that say more than ``invalid``."""

SENTENCES: Final = {
    "unauthorized": _l("The access token is missing, wrong or revoked. An administrator makes one for each system."),
    "wrong_type": _l("Send FHIR R4 as JSON (application/fhir+json)."),
    "too_large": _l("The document is too large. Send it in parts, or import it as a file."),
    "unavailable": _l("The database does not answer. Send the document again later."),
    "repeated": _l("This document has been taken before. Nothing was changed."),
}


def issue(severity: str, code: str, sentence: str, expression: str = "") -> Json:
    """One remark of an OperationOutcome; ``code`` is ours."""
    kind = "informational" if severity == "information" else CODES.get(code, "invalid")
    found: Json = {"severity": severity, "code": kind, "details": {"coding": [{"code": code}], "text": sentence}}
    return {**found, "expression": [expression]} if expression else found


def outcome(issues: Sequence[Json]) -> Json:
    """The OperationOutcome of these remarks."""
    return {"resourceType": "OperationOutcome", "issue": list(issues)}


def plain_outcome(code: str) -> Json:
    """Why a document was not even read."""
    return outcome([issue("error", code, str(SENTENCES[code]))])


def unreadable(refusal: RowRefused) -> Json:
    """Why the bytes are no document."""
    return outcome([_remark(RowError(1, "", refusal.code, Severity.REJECTED, dict(refusal.params)), "")])


def refused(posted: Posted, remarks: Iterable[RowError]) -> Json:
    """What cannot be taken, with the entry that it stands in; nothing was stored."""
    return outcome([_remark(each, _where(posted, each)) for each in remarks])


def accepted(posted: Posted, taken: Taken) -> Json:
    """What was taken; for a batch or transaction entry by entry."""
    if posted.bundle in ANSWERED_BY_ENTRY:
        return _by_entry(posted, taken)
    warnings = [] if taken.repeated else posted.warnings
    return outcome([_summary(taken), *(_remark(each, _where(posted, each)) for each in warnings)])


def _by_entry(posted: Posted, taken: Taken) -> Json:
    remarks: dict[int, list[RowError]] = {}
    for each in (*taken.refused, *posted.warnings):
        remarks.setdefault(each.line, []).append(each)
    entries = []
    for number in range(1, posted.entries + 1):
        said = remarks.get(number, [])
        is_refused = any(each.severity is Severity.REJECTED for each in said)
        response: Json = {"status": "422 Unprocessable Entity" if is_refused else "200 OK"}
        if said:
            response["outcome"] = outcome([_remark(each, "") for each in said])
        entries.append({"response": response})
    return {"resourceType": "Bundle", "type": f"{posted.bundle}-response", "entry": entries}


def _summary(taken: Taken) -> Json:
    if taken.repeated:
        return issue("information", "repeated", str(SENTENCES["repeated"]))
    counts = taken.counts
    if counts["pending"]:
        text = _("Kept: it waits for a patient or a visit that is not known yet.")
    else:
        text = _(
            "Stored: %(created)s new stays, %(updated)s changed, %(unchanged)s unchanged, %(skipped)s of no concern.",
            created=counts["created"], updated=counts["updated"], unchanged=counts["unchanged"],
            skipped=counts["skipped"],
        )  # fmt: skip
    return issue("information", "stored", str(text))


def _remark(remark: RowError, expression: str) -> Json:
    severity = "error" if remark.severity is Severity.REJECTED else "warning"
    sentence = " ".join(filter(None, (row_sentence(remark), row_advice(remark))))
    return issue(severity, remark.code, sentence, expression)


def _where(posted: Posted, remark: RowError) -> str:
    return f"Bundle.entry[{remark.line - 1}]" if posted.bundle else ""
