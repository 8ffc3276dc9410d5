"""Asking the provider: about tasks whose callback is to be confirmed or is overdue, and about the whole account."""
