"""What somebody picked on the wall, as a ZIP. By a form: hundreds of ids make too long an address."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.domain.api_key import ApiKey
from service.errors import Forbidden
from service.gallery.door import Door
from service.web.body import read_form
from service.web.browsers import Browsers
from service.web.export import ExportRoutes
from service.web.export_query import export_asked_for


class PickedImages:
    """`/export`: as `GET /v1/export?format=zip` with the ids of the form, which are separated by spaces."""

    def __init__(self, *, export: ExportRoutes, browsers: Browsers) -> None:
        self._export = export
        self._browsers = browsers

    def routes(self, door: Door) -> list[Route]:
        return [door.page("/export", self.export, method="POST")]

    async def export(self, request: Request, key: ApiKey) -> Response:  # noqa: ARG002
        """Raises Forbidden where another site has sent the form, and what an export raises."""
        form = await read_form(request)
        if not self._browsers.may(request, form.get("write_token", "")):
            raise Forbidden("write_token_needed", "this form was not sent by a page of this service")
        ids = [("id", one) for one in form.get("ids", "").split()]
        return await self._export.answer(export_asked_for([("format", "zip"), *ids]))
