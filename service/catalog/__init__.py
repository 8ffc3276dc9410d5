"""Rows: what we know. The only package that knows SQLAlchemy; everyone else passes functions of a `Transaction`."""
