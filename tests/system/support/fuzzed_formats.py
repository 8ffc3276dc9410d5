"""What schemathesis makes of the formats of ours that the description names. Loaded by its command, not by tests."""

import base64

import schemathesis
from hypothesis import strategies as st

CURSORS = st.integers(0, 10**18 - 1).map(lambda seq: base64.urlsafe_b64encode(f"s{seq}".encode()).decode().rstrip("="))

schemathesis.openapi.format("cursor", CURSORS)
schemathesis.openapi.format("words", st.from_regex(r"[a-z\u6d77]{1,8}\*?( [0-9a-z]{1,4}){0,3}", fullmatch=True))
