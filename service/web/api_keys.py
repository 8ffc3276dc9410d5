"""`/v1/keys`: make, list, look, revoke. A key is shown once, in the answer that makes it."""

from functools import partial
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.catalog.catalog import Catalog
from service.domain.api_key import Scope
from service.errors import NotFound
from service.keys.known import KnownKeys
from service.keys.lives import LONGEST_LIFE, OVERLAP, KeyWish, create, new_secret, revoke
from service.provider.payload import storable
from service.web.body import read_model
from service.web.documents import key_document, setting_key_document
from service.web.keys import ApiKeys, actor_of
from service.web.paging import list_query, page

Text = Annotated[str, Field(max_length=500), AfterValidator(storable)]


class KeyToMake(BaseModel):
    """What the key is to be; `expires_in` and `overlap` are in seconds."""

    model_config = ConfigDict(extra="forbid")

    name: Text | None = None
    scopes: list[Scope] = Field(default_factory=list, max_length=len(Scope))
    expires_in: int | None = Field(default=None, ge=1, le=LONGEST_LIFE)
    note: Text | None = None
    replaces: Text | None = None
    overlap: int = Field(default=OVERLAP, ge=0, le=LONGEST_LIFE)

    def wish(self) -> KeyWish:
        return KeyWish(self.name, frozenset(self.scopes), self.expires_in, self.note, self.replaces, self.overlap)


class KeyRoutes:
    def __init__(self, *, catalog: Catalog, known: KnownKeys) -> None:
        self._catalog = catalog
        self._known = known

    def routes(self, keys: ApiKeys) -> list[Route]:
        return [
            keys.route("/v1/keys", GET=(Scope.ADMIN, self.list), POST=(Scope.ADMIN, self.make)),
            keys.route("/v1/keys/{id}", GET=(Scope.ADMIN, self.one), DELETE=(Scope.ADMIN, self.revoke)),
        ]

    async def make(self, request: Request) -> Response:
        """201 with the key itself, which nothing shows again."""
        body = await read_model(request, KeyToMake)
        actor = actor_of(request)
        work = partial(create, wish=body.wish(), secret=new_secret(), by=actor, setting=self._known.setting)
        made = await self._catalog.write(work, by=actor)
        await self._known.changed()
        document = {**key_document(made.kept), "key": made.secret}
        return JSONResponse(document, status_code=201, headers={"Cache-Control": "no-store"})

    async def list(self, request: Request) -> Response:
        """Those that were made here, the newest first; those of the setting stand beside them."""
        query = list_query(request)
        found = await self._catalog.read(lambda tx: tx.keys.page(after=query.after, limit=query.limit))
        setting = [setting_key_document(one) for one in self._known.setting]
        return JSONResponse({**page([key_document(one) for one in found.items], found.next), "setting": setting})

    async def one(self, request: Request) -> Response:
        key_id = request.path_params["id"]
        for key in self._known.setting:
            if key.id == key_id:
                return JSONResponse(setting_key_document(key))
        kept = await self._catalog.read(lambda tx: tx.keys.get(key_id))
        if kept is None:
            raise NotFound("key_not_found", "no such key")
        return JSONResponse(key_document(kept))

    async def revoke(self, request: Request) -> Response:
        """204; here the key is refused from now on, elsewhere within seconds."""
        actor = actor_of(request)
        work = partial(revoke, key_id=request.path_params["id"], by=actor, setting=self._known.setting)
        await self._catalog.write(work, by=actor)
        await self._known.changed()
        return Response(status_code=204)
