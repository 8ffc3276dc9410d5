"""Decisions as pure functions: no I/O, no clock, no settings. Time, limits and randomness are passed in."""
