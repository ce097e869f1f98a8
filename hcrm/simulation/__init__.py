"""A made-up hospital: its discharge feed, its patients and its nurses."""
