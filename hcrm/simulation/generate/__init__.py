"""Made-up discharge feeds: the same bytes for the same seed, at any size, in the formats that hospitals send."""
