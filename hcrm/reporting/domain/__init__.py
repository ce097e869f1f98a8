"""The figures: pure functions from facts to numerators, denominators, exclusions and limits. No I/O, no clock."""
