"""Discharge records from files: readers, mapping, batches, refused rows."""
