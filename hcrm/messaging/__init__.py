"""Text messages out and in: outbox, sending, replies."""
