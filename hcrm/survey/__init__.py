"""Questionnaires, answers and scores."""
