"""Figures of follow-up, revisits and satisfaction, and their charts."""
