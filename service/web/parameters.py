"""What a query string may say. Unknown parameters are refused by name, so that no typo changes what is meant."""

from collections.abc import Collection, Mapping

from starlette.requests import Request

from service.errors import Invalid


def single_parameters(
    request: Request, allowed: Collection[str], *, of: str, repeatable: Collection[str] = ()
) -> Mapping[str, str]:
    """The query's parameters, each given once but those that are `repeatable`; `of` says whose they are.

    Raises Invalid that names the wrong one.
    """
    given = request.query_params
    for name in given:
        if name not in allowed:
            takes = ", ".join(sorted(allowed))
            raise Invalid("unknown_parameter", f"{name[:80]!r} is not a parameter of {of}; it takes {takes}")
        if name not in repeatable:
            require_single(request, name)
    return dict(given)


def require_single(request: Request, name: str) -> None:
    if len(request.query_params.getlist(name)) > 1:
        raise Invalid("repeated_parameter", f"{name} was given more than once")
