"""`/v1/callback-urls`: mint, list, revoke."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.catalog.catalog import Catalog, Transaction
from service.catalog.tokens import MintedToken
from service.catalog.usage import Touched
from service.domain.moment import rfc3339
from service.errors import NotFound
from service.intake.callback_token import TokenSigner
from service.intake.minting import LONGEST_LIFE, Wish, mint
from service.intake.revocation import RevokedTokens, revoke
from service.provider.payload import storable
from service.web.body import read_model
from service.web.documents import touched_document
from service.web.keys import ApiKeys, Scope, actor_of
from service.web.paging import list_query, page

Label = Annotated[str, StringConstraints(max_length=200), AfterValidator(storable)]
TagName = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(storable)]
TagValue = Annotated[str, StringConstraints(max_length=500), AfterValidator(storable)]
Tags = Annotated[dict[TagName, TagValue], Field(max_length=32)]


class CallbackUrlToMint(BaseModel):
    """What the URL is to carry; `expires_in` is in seconds."""

    model_config = ConfigDict(extra="forbid")

    ref: Label | None = None
    tags: Tags = Field(default_factory=dict)
    task_id: str | None = Field(default=None, max_length=128)
    expires_in: int | None = Field(default=None, ge=1, le=LONGEST_LIFE)


class CallbackUrlRoutes:
    def __init__(self, *, catalog: Catalog, signer: TokenSigner, revoked: RevokedTokens, public_url: str) -> None:
        self._catalog = catalog
        self._signer = signer
        self._revoked = revoked
        self._public_url = public_url

    def routes(self, keys: ApiKeys) -> list[Route]:
        path = "/v1/callback-urls"
        return [
            keys.route(path, GET=(Scope.READ, self.list), POST=(Scope.WRITE, self.mint)),
            keys.route(f"{path}/{{id}}", GET=(Scope.READ, self.one), DELETE=(Scope.ADMIN, self.revoke)),
        ]

    async def mint(self, request: Request) -> Response:
        body = await read_model(request, CallbackUrlToMint)
        minted = await mint(
            Wish(body.ref, body.tags, body.task_id, body.expires_in),
            catalog=self._catalog,
            signer=self._signer,
            public_url=self._public_url,
            now=datetime.now(UTC),
            by=actor_of(request),
        )
        document = {"id": minted.id, "callback_url": minted.callback_url, "warnings": list(minted.warnings)}
        return JSONResponse(document, status_code=201)

    async def list(self, request: Request) -> Response:
        query = list_query(request)
        found = await self._catalog.read(lambda tx: tx.query.tokens(after=query.after, limit=query.limit))
        return JSONResponse(page([_document(token) for token in found.items], found.next))

    async def one(self, request: Request) -> Response:
        """One callback URL, with the tasks that callbacks through it named, the latest first."""
        found = await self._catalog.read(partial(_one, token_id=request.path_params["id"]))
        if found is None:
            raise NotFound("callback_url_not_found", "no callback URL of this id was minted here")
        token, touched = found
        return JSONResponse({**_document(token), "touched": touched_document(touched)})

    async def revoke(self, request: Request) -> Response:
        """204; from now on the URL is answered 404."""
        await self._catalog.write(partial(revoke, token_id=request.path_params["id"]), by=actor_of(request))
        await self._revoked.refresh()
        return Response(status_code=204)


def _one(tx: Transaction, *, token_id: str) -> tuple[MintedToken, Touched] | None:
    token = tx.tokens.known([token_id]).get(token_id)
    return (token, tx.usage.touched(token_id)) if token else None


def _document(token: MintedToken) -> dict[str, object]:
    return {
        "id": token.id,
        "source": token.source,
        "task_id": token.task_id,
        "ref": token.ref,
        "tags": dict(token.tags),
        "created_at": rfc3339(token.created_at),
        "expires_at": rfc3339(token.expires_at),
        "revoked_at": rfc3339(token.revoked_at),
    }
