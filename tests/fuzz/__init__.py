"""Coverage-guided fuzzing of what reads other people's bytes: `make fuzz`, and some seconds each in `make test-all`.

A target is a module here with `seeds()`, made by code, and `check(data)`, which raises where a promise is broken; that
no other exception comes is only the least of them. What was found becomes a line in an ordinary test.
"""

TARGETS = (
    "payload",
    "provider_answer",
    "signed_text",
    "link",
    "image_bytes",
    "image_header",
    "worker_answer",
    "http_headers",
    "query",
    "request_body",
    "submission",
    "words",
    "sidecar",
)
