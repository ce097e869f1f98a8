"""What a home visit's form is encrypted with while it lies on a phone."""

from __future__ import annotations

import hmac
from base64 import b64encode


def draft_key(secret: str, user_id: int, task_id: int) -> str:
    """The key (32 bytes, as base64 text) of one user's draft of one visit.

    The same each time the page is opened, so that a draft outlives a closed browser; it follows from the server's
    secret, so that nothing on the phone can tell it.
    """
    digest = hmac.digest(secret.encode(), f"visit-draft:{user_id}:{task_id}".encode(), "sha256")
    return b64encode(digest).decode()
