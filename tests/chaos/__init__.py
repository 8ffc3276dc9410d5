"""The chaos suite: the service lives through everything at once, and an independent ledger says what became of it.

Black box: it starts the real commands and never imports `service`. `make chaos` runs it at full length.
"""
