"""Telling others what happened, at their own endpoints: signed, in order, until they have it."""
