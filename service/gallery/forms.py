"""What a form of a page sent by GET."""

from urllib.parse import urlencode

from starlette.requests import Request


def without_blanks(request: Request) -> Request:
    """As if the fields that nobody filled in were not there: they say nothing."""
    said = [(name, value) for name, value in request.query_params.multi_items() if value.strip()]
    return Request({**request.scope, "query_string": urlencode(said).encode()})
