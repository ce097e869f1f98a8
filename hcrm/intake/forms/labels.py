"""The words for fields, states, and everything that can be wrong with a file or a row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l

from hcrm.intake.domain import BatchStatus, DateOrder, FileRefused, Layout, MessageSnapshot, MessageStatus, RowError
from hcrm.patients.domain import EncounterClass

FIELD_LABELS: Mapping[str, LazyString] = {
    "mrn": _l("Medical record number (MRN)"),
    "visit_number": _l("Visit number"),
    "name": _l("Full name"),
    "family_name": _l("Family name"),
    "given_name": _l("Given name"),
    "sex": _l("Sex"),
    "birth_date": _l("Date of birth"),
    "phone": _l("Phone"),
    "phone_owner": _l("Whose phone it is"),
    "contact_name": _l("Contact person"),
    "contact_relationship": _l("Relationship of the contact person"),
    "contact_phone": _l("Phone of the contact person"),
    "language": _l("Language"),
    "class": _l("Kind of stay"),
    "status": _l("State of the stay"),
    "admitted_at": _l("Admission"),
    "discharged_at": _l("Discharge"),
    "department_code": _l("Department code"),
    "department": _l("Department"),
    "clinician": _l("Attending physician"),
    "nurse": _l("Responsible nurse"),
    "disposition": _l("How the stay ended"),
    "died": _l("Died"),
    "planned": _l("Planned admission"),
    "readmission_plan_31d": _l("Return planned within 31 days"),
    "principal_diagnosis": _l("Main diagnosis"),
    "diagnoses": _l("Other diagnoses"),
    "procedures": _l("Procedures"),
    "deceased_at": _l("Date of death"),
    "payer": _l("Payer"),
    "sensitive": _l("Sensitive stay"),
    "address": _l("Address"),
    "event_time": _l("Time of the record"),
    "": _l("The whole row"),
}

ROW_SENTENCES: Mapping[str, LazyString] = {
    "missing_mrn": _l("The MRN is missing, so the row belongs to no patient."),
    "missing_dates": _l("There is neither an admission nor a discharge date."),
    "discharge_before_admission": _l("The discharge is before the admission."),
    "in_future": _l("The date is in the future."),
    "before_1900": _l("The year is before 1900."),
    "age_over_130": _l("The date of birth makes the patient %(age)s years old."),
    "unreadable_date": _l("This is not a date that can be read."),
    "no_such_day": _l("There is no such day or time."),
    "ambiguous_date": _l("The date can be read as day first or month first."),
    "too_long": _l("The value is longer than %(limit)s characters."),
    "line_too_long": _l("The line is longer than a million characters, so it cannot be one row of a table."),
    "too_many_cells": _l("The row has %(cells)s cells, the head has %(heads)s."),
    "unclosed_quote": _l("The quotation marks on this line do not match."),
    "visit_of_another_patient": _l("The same visit number belongs to another patient further up in the file."),
    "database_refused": _l("The database did not accept the row (%(sqlstate)s)."),
    "no_phone": _l("There is no phone number, so the patient cannot be called."),
    "impossible_phone": _l("This cannot be a phone number. It was kept as text."),
    "unknown_department": _l("The department was not known. It was created and waits to be reviewed."),
    "unknown_class": _l("The kind of stay is not known. The row was taken as outpatient, to be reviewed."),
    "unknown_word": _l("The word is not known. The field was left empty."),
    "duplicate_row": _l("The row is an exact repetition of an earlier one."),
    "short_row": _l("The row has fewer cells than the head. The missing ones were taken as empty."),
    "nul_removed": _l("The row held NUL characters. They were taken out."),
    "text_cut": _l("The text was cut to %(limit)s characters."),
    "birth_after_stay": _l("The date of birth is after the stay."),
    "missing_segment": _l("The message lacks the segment %(segment)s."),
    "missing_event_time": _l("The message does not say when it was recorded (EVN-2, MSH-7)."),
    "missing_visit": _l("The message names no visit: PV1-19, PID-18 and PV1-44 are empty."),
    "visit_renumbered": _l("The message gives a visit another number (MRG-5, PV1-19), which is not supported."),
    "not_hl7": _l("This is not an HL7 v2 message: it does not begin with MSH."),
    "bad_separators": _l("The separators in MSH-1 and MSH-2 cannot be told apart."),
    "message_too_long": _l("The message is longer than %(limit)s bytes."),
    "unavailable": _l("The database does not answer. Send the message again later."),
    "internal_error": _l("The message could not be stored because of an error in this program."),
    "unknown_patient": _l("Patients are to be merged of whom one is not known yet."),
    "unknown_visit": _l("The visit is not known yet."),
    "patient_not_in_file": _l("The patient is not in patients.csv, so the name is not known."),
    "cell_error": _l("The cell holds an error of the spreadsheet: %(value)s."),
    "formula_not_computed": _l("The cell holds a formula without its value, and formulas are not computed here."),
    "formula_value": _l("The cell holds a formula. The value that was last computed for it was taken."),
    "digits_lost": _l("The number is so long that the spreadsheet has lost its last digits."),
    "zeros_lost": _l("The number is shorter than the others: zeros at its beginning may have been lost."),
    "patient_missing": _l("The file does not hold the patient whom this resource refers to."),
    "bad_json": _l("This is not complete JSON: it breaks off or is damaged."),
    "bad_utf8": _l("This is not written in UTF-8."),
    "nested_too_deep": _l("The JSON is nested too deeply to be a FHIR resource."),
    "no_resource": _l("This is not a FHIR resource."),
    "document_too_long": _l("The line is longer than %(limit)s megabytes."),
}

ROW_ADVICE: Mapping[str, LazyString] = {
    "missing_mrn": _l("Fill in the MRN."),
    "missing_dates": _l("Fill in the date of discharge, or of admission for a stay in progress."),
    "discharge_before_admission": _l("Check both dates."),
    "in_future": _l("Check the date."),
    "before_1900": _l("Check the year."),
    "age_over_130": _l("Check the year of birth."),
    "unreadable_date": _l("Write the date as year-month-day, for example 2026-03-10 14:30."),
    "no_such_day": _l("Check the day, month and time."),
    "ambiguous_date": _l("Write the date as year-month-day."),
    "too_long": _l("Check whether the value stands in the right column."),
    "line_too_long": _l("Check the line ends of the file."),
    "too_many_cells": _l("Put values that hold the delimiter in quotation marks."),
    "unclosed_quote": _l("Close the quotation marks or remove them."),
    "visit_of_another_patient": _l("Check the visit number of both rows."),
    "database_refused": _l("Check the row for unusual characters."),
    "cell_error": _l("Correct the formula in the spreadsheet."),
    "formula_not_computed": _l("Open the workbook in a spreadsheet program and save it."),
    "patient_missing": _l("Export the patients into the same file."),
    "bad_json": _l("Export the file again."),
    "missing_segment": _l("Let the sender add the segment."),
    "missing_event_time": _l("Let the sender fill in EVN-2."),
    "missing_visit": _l("Let the sender fill in PV1-19."),
    "visit_renumbered": _l("Let the sender cancel the old visit (A11) and send the new one."),
    "unknown_patient": _l("It is merged as soon as a message about that patient comes."),
    "unknown_visit": _l("It is applied as soon as the admission comes. A discharge is taken without it after a day."),
}

FILE_SENTENCES: Mapping[str, LazyString] = {
    "not_found": _l("There is no file %(file)s."),
    "unreadable": _l("The file %(file)s cannot be opened: check its permissions."),
    "empty_file": _l("The file %(file)s is empty."),
    "empty_folder": _l("The folder %(file)s holds no CSV file."),
    "other_kind": _l("The file %(file)s is not a CSV file but %(kind)s. Save the table as CSV and import that."),
    "unknown_encoding": _l(
        "The encoding of %(file)s cannot be told: it is neither UTF-8, UTF-16 nor GB18030. Save it as UTF-8, or name "
        "its encoding in a profile (--profile) or with --encoding."
    ),
    "bad_encoding_name": _l("There is no encoding called %(encoding)s."),
    "wrong_encoding": _l("The file %(file)s is not written in %(encoding)s."),
    "columns_missing": _l(
        "The file %(file)s lacks a column for: %(fields)s. Its columns are: %(heads)s. Name the right ones in a "
        "profile (--profile)."
    ),
    "ambiguous_dates": _l(
        "The dates in the column %(heads)s of %(file)s can be read as day first or as month first. Say which with "
        "--dates DD/MM/YYYY or --dates MM/DD/YYYY, or with date_formats in a profile (--profile)."
    ),
    "mixed_dates": _l(
        "The column %(head)s of %(file)s holds dates with the day first and dates with the month first. Write them "
        "all the same way."
    ),
    "no_heads": _l("The file %(file)s has no row of column heads. Check that it is a table, one row per stay."),
    "header_row_missing": _l("The file %(file)s has no row %(row)s for the column heads."),
    "broken_quotes": _l("Too many quotation marks do not match, the last on line %(line)s. Check the delimiter."),
    "companion_broken": _l("The file %(file)s has no Id column."),
    "reader_died": _l("Reading %(file)s stopped unexpectedly. Import the file again: it goes on where it stopped."),
    "profile_not_found": _l("There is no profile %(profile)s."),
    "several_profiles": _l(
        "Several facilities have a profile called %(profile)s (%(codes)s): say which facility with --facility."
    ),
    "profile_not_toml": _l("The profile %(profile)s is not valid TOML."),
    "profile_unknown_key": _l("The profile %(profile)s has an unknown entry: %(key)s."),
    "profile_bad_value": _l("The profile %(profile)s has an unusable value for %(key)s."),
    "profile_unknown_field": _l("The profile %(profile)s names an unknown field: %(field)s."),
    "profile_unknown_code": _l("The profile %(profile)s maps %(key)s to %(value)s, which is no code of ours."),
    "profile_column_missing": _l("The file has no column %(head)s, which the profile names."),
    "bad_date_format": _l(
        "%(format)s is no date format: write DD/MM/YYYY, MM/DD/YYYY, YYYY-MM-DD or a strptime pattern."
    ),
    "unknown_zone": _l("There is no time zone %(zone)s."),
    "unknown_facility": _l("There is no facility with the code %(code)s."),
    "several_facilities": _l("There are several facilities (%(codes)s): say which with --facility."),
    "not_hl7_file": _l("The file %(file)s holds no HL7 v2 messages."),
    "not_xlsx_file": _l("The file %(file)s is not an Excel workbook (XLSX or XLS)."),
    "xls_no_table": _l(
        "The file %(file)s is an old or protected Office document in which no table can be read. Save the table as "
        "XLSX without a password."
    ),
    "xls_too_large": _l("The old Excel workbook %(file)s is too large. Save it as XLSX or CSV and import that."),
    "no_workbook": _l("The file %(file)s is an archive but not an Excel workbook (XLSX)."),
    "xlsx_broken": _l("The workbook %(file)s is damaged. Open it in a spreadsheet program and save it anew."),
    "xlsx_flood": _l("The workbook %(file)s would unpack to far more than a table of stays needs. It was not opened."),
    "xlsx_entities": _l("The workbook %(file)s declares XML entities, which no spreadsheet needs. It was not opened."),
    "sheet_missing": _l("The workbook %(file)s has no sheet %(sheet)s. Its sheets are: %(sheets)s."),
    "several_sheets": _l(
        "Several sheets of the workbook %(file)s hold stays: %(sheets)s. Say which with --sheet or in a profile "
        "(--profile)."
    ),
    "no_sheet": _l(
        "No sheet of the workbook %(file)s has columns for the MRN and the discharge. Its sheets are: %(sheets)s."
    ),
    "not_fhir_file": _l("The file %(file)s holds no FHIR resources in JSON."),
    "fhir_bad_json": _l("The file %(file)s is not complete JSON: it breaks off or is damaged. Export it again."),
    "fhir_bad_utf8": _l("The file %(file)s is not written in UTF-8, as FHIR has to be."),
    "fhir_nested_too_deep": _l("The JSON in %(file)s is nested too deeply to be FHIR."),
    "fhir_no_resource": _l("The file %(file)s holds no FHIR resources in JSON."),
    "fhir_too_large": _l(
        "The file %(file)s is one JSON document of more than %(limit)s megabytes. Export it as NDJSON, one resource or "
        "Bundle on each line, which may be of any size."
    ),
    "not_a_folder": _l("There is no folder %(file)s."),
    "folder_readonly": _l("Nothing can be written into the folder %(file)s: check its permissions."),
    "folder_taken": _l("Another process watches the folder %(file)s."),
    "busy": _l("Another import is running. Try again in a moment."),
}

PAGE_SENTENCES: Mapping[str, LazyString] = {
    "unknown_encoding": _l(
        "The encoding of %(file)s cannot be told: it is neither UTF-8, UTF-16 nor GB18030. Choose it below, or save "
        "the file as UTF-8."
    ),
    "columns_missing": _l("No column is chosen for: %(fields)s."),
    "several_sheets": _l("Several sheets of the workbook %(file)s hold stays: %(sheets)s. Write below which one."),
    "ambiguous_dates": _l(
        "The dates in the column %(heads)s can be read as day first or as month first. Choose which under “Dates”."
    ),
}
"""What is said differently on a page, where things are chosen and not stated in a command."""

KIND_LABELS: Mapping[str, LazyString] = {
    "xlsx": _l("an Excel workbook"),
    "xls": _l("an old Excel workbook"),
    "pdf": _l("a PDF document"),
    "hl7": _l("HL7 messages"),
    "gzip": _l("a compressed file"),
    "database": _l("a database"),
    "picture": _l("a picture"),
    "program": _l("a program"),
    "json": _l("JSON"),
    "xml": _l("XML or a web page"),
}

NOTE_SENTENCES: Mapping[str, LazyString] = {
    "no_class_column": _l("No column says what kind of stay it was: all are taken as inpatient stays."),
    "no_phone_column": _l("No column holds phone numbers."),
    "no_visit_number_column": _l("No column holds visit numbers: they are made of MRN and time of admission."),
    "no_patients_file": _l("There is no patients.csv beside the file: names are not known."),
    "no_organizations_file": _l("There is no organizations.csv beside the file: departments are named by their code."),
    "no_providers_file": _l("There is no providers.csv beside the file: physicians are named by their code."),
    "facility_created": _l(
        "There was no facility yet: MAIN is made, in the time zone of --timezone, else of HOSPITAL_TIMEZONE. "
        "Phone numbers are read as in the country of that zone."
    ),
}

STATUS_LABELS: Mapping[BatchStatus, LazyString] = {
    BatchStatus.UPLOADED: _l("To be checked"),
    BatchStatus.QUEUED: _l("Waiting to start"),
    BatchStatus.RUNNING: _l("Running"),
    BatchStatus.FINISHED: _l("Finished"),
    BatchStatus.INTERRUPTED: _l("Interrupted"),
    BatchStatus.FAILED: _l("Could not be read"),
    BatchStatus.DISCARDED: _l("Discarded"),
    BatchStatus.UNDONE: _l("Undone"),
}
STATUS_SIGNS: Mapping[BatchStatus, str] = {
    BatchStatus.FINISHED: "good",
    BatchStatus.FAILED: "urgent",
    BatchStatus.INTERRUPTED: "high",
}

HINDRANCES: Mapping[str, LazyString] = {
    "not_finished": _l("Only an import that is finished can be undone."),
    "work_begun": _l("Not undone: follow-up has begun. Calls were opened or messages sent in %(count)s cases."),
    "patients_changed": _l("Not undone: people have worked on %(count)s of these patients since."),
    "merged": _l(
        "Not undone: %(count)s merges of patients came with it. Take these back on the patients' pages first."
    ),
    "others_applied": _l("Not undone: %(count)s messages of interfaces that had waited for it were applied."),
}
"""Why an import cannot be undone."""

CLASS_LABELS: Mapping[str, LazyString] = {
    EncounterClass.INPATIENT: _l("Inpatient"),
    EncounterClass.EMERGENCY: _l("Emergency"),
    EncounterClass.OBSERVATION: _l("Observation"),
    EncounterClass.SHORT_STAY: _l("Day case"),
    EncounterClass.AMBULATORY: _l("Outpatient"),
}

CHANGE_EFFECTS: Mapping[str, LazyString] = {
    "discharged_at": _l("Follow-ups that have not begun move with it."),
    "department": _l("The follow-ups go over to this department."),
    "clinician": _l("The follow-ups go over to this physician."),
    "disposition": _l("Follow-ups end where they no longer fit."),
    "class": _l("Follow-ups end where they no longer fit."),
    "language": _l("Messages are in this language from now on."),
    "phone": _l("Messages and calls from now on go by these numbers."),
    "deceased_at": _l("Everything planned for this patient stops."),
}
"""What a change means for follow-ups, where it means something."""

LAYOUT_LABELS: Mapping[Layout, LazyString] = {
    Layout.TABLE: _l("Table of stays (CSV)"),
    Layout.WORKBOOK: _l("Table of stays (Excel)"),
    Layout.SYNTHEA: _l("Synthea's encounters (CSV)"),
    Layout.HL7: _l("Messages (HL7 v2)"),
    Layout.FHIR: _l("Resources (FHIR R4)"),
}
DELIMITER_LABELS: Mapping[str, LazyString] = {
    ",": _l("comma"),
    ";": _l("semicolon"),
    "\t": _l("tab"),
    "|": _l("vertical bar"),
}
ORDER_LABELS: Mapping[DateOrder, LazyString] = {
    DateOrder.DAY_FIRST: _l("day first (04/03/2026 is 4 March)"),
    DateOrder.MONTH_FIRST: _l("month first (04/03/2026 is April 3)"),
}


MESSAGE_LABELS: Mapping[MessageStatus, LazyString] = {
    MessageStatus.APPLIED: _l("Applied"),
    MessageStatus.WAITING: _l("Waiting"),
    MessageStatus.IGNORED: _l("Of no concern"),
    MessageStatus.REFUSED: _l("Refused"),
    MessageStatus.LEFT_OUT: _l("Put aside"),
}
EVENT_LABELS: Mapping[str, LazyString] = {
    "A01": _l("Patient admitted"),
    "A02": _l("Transfer"),
    "A03": _l("Patient discharged"),
    "A04": _l("Outpatient visit"),
    "A06": _l("Outpatient becomes inpatient"),
    "A08": _l("Update"),
    "A11": _l("Visit taken back"),
    "A13": _l("Discharge taken back"),
    "A28": _l("New patient"),
    "A31": _l("Update of a patient"),
    "A34": _l("Merge of patients"),
    "A40": _l("Merge of patients"),
    "A45": _l("Visit moved to another patient"),
    "SIU^S12": _l("Appointment"),
    "SIU^S13": _l("Appointment moved"),
    "SIU^S14": _l("Appointment changed"),
    "SIU^S15": _l("Appointment cancelled"),
    "SIU^S26": _l("Did not come to the appointment"),
}


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> str:
        return ""


def row_sentence(remark: RowError) -> str:
    """What is wrong with a row, in the reader's language."""
    return str(ROW_SENTENCES.get(remark.code, remark.code)) % _Blank(remark.params)


def message_sentence(message: MessageSnapshot) -> str:
    """Why a message waits or was refused, in the reader's language."""
    return str(ROW_SENTENCES.get(message.code, message.code)) % _Blank(message.params)


def waits_on(message: MessageSnapshot) -> str:
    """The visit or patient that a message waits for, by its number."""
    kind, _, number = message.waits_on.partition(":")
    if kind == "visit":
        return str(_l("Visit %(number)s")) % {"number": number.partition(":")[2]}
    return str(_l("MRN %(mrn)s")) % {"mrn": number} if number else ""


def hindrance_sentence(code: str, count: int) -> str:
    """Why an import cannot be undone, in the reader's language."""
    return str(HINDRANCES[code]) % {"count": count}


def row_advice(remark: RowError | MessageSnapshot) -> str:
    """What to do about a refused row."""
    return str(ROW_ADVICE.get(remark.code, ""))


def file_sentence(refusal: FileRefused, *, on_page: bool = False) -> str:
    """Why a file cannot be imported and what to do, in the reader's language."""
    params = _Blank(refusal.params)
    if "kind" in params:
        params["kind"] = str(KIND_LABELS.get(params["kind"], params["kind"]))
    for name in ("fields", "heads", "codes", "sheets"):
        if isinstance(params.get(name), list):
            words = [str(FIELD_LABELS.get(word, word)) if name == "fields" else word for word in params[name]]
            params[name] = ", ".join(words)
    sentences = {**FILE_SENTENCES, **PAGE_SENTENCES} if on_page else FILE_SENTENCES
    return str(sentences.get(refusal.code, refusal.code)) % params


def ignored_heads(shape: Mapping[str, Any]) -> list[str]:
    """The heads of the columns that are not imported."""
    return [shape["heads"][at] for at in shape["ignored"] if shape["heads"][at]]
