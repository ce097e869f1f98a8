"""Readers: a file in, validated rows and remarks out. They know nothing of the database."""
