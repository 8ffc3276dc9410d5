"""Replicas: several processes of the service on one PostgreSQL and one bucket, alone and through everything at once.

Black box: it starts the real commands and never imports `service`. `python -m tests.chaos --replicas` is the long run.
"""
