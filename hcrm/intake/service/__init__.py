"""Bringing files into the records: batches, runs of rows, and the check of a file before anything is written."""

from hcrm.intake.service.batches import (
    IllegalBatchMove,
    keep_mapping,
    lock_file,
    move_batch,
    start_batch,
    store_upload,
    unlock_file,
)
from hcrm.intake.service.messages import (
    Applied,
    MessageSettled,
    Place,
    apply_messages,
    apply_waiting,
    leave_out,
)
from hcrm.intake.service.posts import DATABASE_AWAY, DocumentRefused, Taken, keep_refused, take_document
from hcrm.intake.service.preview import PREVIEW_ROWS, check_file, rehearse_chunk
from hcrm.intake.service.profiles import ProfileNameTaken, drop_profile, keep_profile, rename_profile, save_words
from hcrm.intake.service.rows import settle_chunk
from hcrm.intake.service.thinning import AT_ONCE, forget_posted, thin_messages
from hcrm.intake.service.undo import CannotUndo, Hindrance, undo_batch

__all__ = [
    "AT_ONCE",
    "DATABASE_AWAY",
    "PREVIEW_ROWS",
    "Applied",
    "CannotUndo",
    "DocumentRefused",
    "Hindrance",
    "IllegalBatchMove",
    "MessageSettled",
    "Place",
    "ProfileNameTaken",
    "Taken",
    "apply_messages",
    "apply_waiting",
    "check_file",
    "drop_profile",
    "forget_posted",
    "keep_mapping",
    "keep_profile",
    "keep_refused",
    "leave_out",
    "lock_file",
    "move_batch",
    "rehearse_chunk",
    "rename_profile",
    "save_words",
    "settle_chunk",
    "start_batch",
    "store_upload",
    "take_document",
    "thin_messages",
    "undo_batch",
    "unlock_file",
]
