"""Puts the stand-in's routes together into one Starlette application; unknown routes answer in the provider's shape."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from service.simulator.api import ProviderApi
from service.simulator.api_error import ApiError
from service.simulator.control import Control
from service.simulator.files import ImageFiles
from service.simulator.strangers import Strangers


def build_app(*, api: ProviderApi, files: ImageFiles, control: Control, strangers: Strangers) -> Starlette:
    """The application that `server` runs."""
    return Starlette(
        routes=[*api.routes(), *files.routes(), *control.routes(), *strangers.routes()],
        exception_handlers={HTTPException: _refuse, Exception: _break},
    )


async def _refuse(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = "method_not_allowed" if status == 405 else "not_found"
    return ApiError(status, code, "The stand-in has no such route.").response()


async def _break(_request: Request, error: Exception) -> Response:
    """A bug of the stand-in: say so, since its server keeps no log."""
    return ApiError(500, "simulator_error", f"The stand-in broke: {type(error).__name__}: {error}").response()
