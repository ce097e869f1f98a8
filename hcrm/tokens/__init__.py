"""Tokens of other systems: what each may be used for, until when, and taking it back."""
