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
from hcrm.intake.service.preview import PREVIEW_ROWS, check_file, rehearse_chunk
from hcrm.intake.service.rows import settle_chunk

__all__ = [
    "PREVIEW_ROWS",
    "Applied",
    "IllegalBatchMove",
    "MessageSettled",
    "Place",
    "apply_messages",
    "apply_waiting",
    "check_file",
    "keep_mapping",
    "leave_out",
    "lock_file",
    "move_batch",
    "rehearse_chunk",
    "settle_chunk",
    "start_batch",
    "store_upload",
    "unlock_file",
]
