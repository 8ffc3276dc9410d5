"""Fetching in a process that may die."""
