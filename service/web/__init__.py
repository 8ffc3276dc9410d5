"""HTTP: requests in, answers out. Decisions are made elsewhere; errors become answers in `problems` alone."""
