"""`/v1/tasks`: tell of a task, list them, look at one, try again, tag it, put a hold on it."""

from functools import partial
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue, RootModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from service.archive.holding import hold, release
from service.background import Nudge
from service.catalog.catalog import Catalog, Transaction
from service.catalog.filters import TaskFilter
from service.catalog.queries import Page
from service.catalog.tasks import TaskState
from service.domain.asset import Asset
from service.domain.history import HistoryEntry
from service.domain.rules import Rules
from service.domain.task import Task
from service.errors import NotFound
from service.intake.register import Told, tell
from service.intake.retry import retry
from service.intake.tagging import retag
from service.provider.payload import storable, storable_mapping
from service.submission.price_list import Prices
from service.web.answers.tasks import TaskWithHistoryDocument
from service.web.body import MERGE_PATCH, read_model
from service.web.callback_urls import LIKE_A_TASK_ID, Label, TagName, Tags, TagValue
from service.web.documents import entry_document, task_document
from service.web.keys import ApiKeys, Scope, actor_of
from service.web.narrowing import Narrowed, tasks_asked_for
from service.web.paging import page


class TaskToTell(BaseModel):
    """A task that runs at the provider, with what is known of it."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(max_length=128, json_schema_extra=LIKE_A_TASK_ID, description="The provider's id.")
    prompt: Annotated[str, AfterValidator(storable)] | None = Field(default=None, max_length=100_000)
    parameters: Annotated[dict[str, JsonValue], AfterValidator(storable_mapping)] | None = Field(
        default=None, description="What else was asked for."
    )
    ref: Label | None = Field(default=None, description="Your name for it.")
    tags: Tags = Field(default_factory=dict, description="Labels of yours, by name.")


class TagsToChange(RootModel[Annotated[dict[TagName, TagValue | None], Field(max_length=64)]]):
    """Tags by name: those to set with their values, those to remove with null."""


class HoldToPut(BaseModel):
    """Why images must not be deleted."""

    model_config = ConfigDict(extra="forbid")

    reason: Annotated[str, AfterValidator(storable)] | None = Field(default=None, min_length=1, max_length=1000)


class TaskRoutes:
    def __init__(
        self,
        *,
        catalog: Catalog,
        rules: Rules,
        public_url: str,
        archive: Nudge,
        reconcile: Nudge,
        sidecars: Nudge,
        prices: Prices,
    ) -> None:
        self._catalog = catalog
        self._rules = rules
        self._archive = archive
        self._reconcile = reconcile
        self._sidecars = sidecars
        self._document = partial(task_document, public_url=public_url, prices=prices)

    def routes(self, keys: ApiKeys) -> list[Route]:
        return [
            keys.route("/v1/tasks", GET=(Scope.READ, self.list), POST=(Scope.WRITE, self.tell)),
            keys.route("/v1/tasks/{id}", GET=(Scope.READ, self.one)),
            keys.route("/v1/tasks/{id}/retry", POST=(Scope.ADMIN, self.retry)),
            keys.route("/v1/tasks/{id}/tags", PATCH=(Scope.WRITE, self.tag)),
            keys.route("/v1/tasks/{id}/hold", PUT=(Scope.ADMIN, self.hold), DELETE=(Scope.ADMIN, self.release)),
        ]

    async def tell(self, request: Request) -> Response:
        """201 for a task that was not known, 200 for one that was."""
        body = await read_model(request, TaskToTell)
        told = Told(body.id, body.prompt, body.parameters, body.ref, body.tags)
        registered = await self._catalog.write(partial(tell, told=told, rules=self._rules), by=actor_of(request))
        state = registered.state
        document = self._document(state.task, state.assets)
        return JSONResponse(document, status_code=201 if registered.new else 200)

    async def list(self, request: Request) -> Response:
        found, assets = await self._catalog.read(partial(_page, asked=tasks_asked_for(request)))
        items = [self._document(task, assets[task.id]) for task in found.items]
        return JSONResponse(page(items, found.next))

    async def one(self, request: Request) -> Response:
        return JSONResponse(await self._whole(request.path_params["id"]))

    async def retry(self, request: Request) -> Response:
        """202 with the task as it stands; 409 where nothing of it is dead or waiting."""
        task_id = request.path_params["id"]
        await self._catalog.write(partial(retry, task_id=task_id, rules=self._rules), by=actor_of(request))
        for nudge in (self._reconcile, self._archive, self._sidecars):
            nudge.nudge()
        return JSONResponse(await self._whole(task_id), status_code=202)

    async def tag(self, request: Request) -> Response:
        """200 with the task, also where nothing has changed."""
        body = await read_model(request, TagsToChange, also=MERGE_PATCH)
        task_id = request.path_params["id"]
        await self._catalog.write(partial(retag, task_id=task_id, changes=body.root), by=actor_of(request))
        self._sidecars.nudge()
        return JSONResponse(await self._whole(task_id))

    async def hold(self, request: Request) -> Response:
        """200 with the task: while there is a hold on it, its images cannot be deleted."""
        body = await read_model(request, HoldToPut)
        task_id, by = request.path_params["id"], actor_of(request)
        await self._catalog.write(partial(hold, task_id=task_id, reason=body.reason, by=by), by=by)
        self._sidecars.nudge()
        return JSONResponse(await self._whole(task_id))

    async def release(self, request: Request) -> Response:
        """204, also where there was no hold."""
        work = partial(release, task_id=request.path_params["id"])
        await self._catalog.write(work, by=actor_of(request))
        self._sidecars.nudge()
        return Response(status_code=204)

    async def _whole(self, task_id: str) -> TaskWithHistoryDocument:
        """A task with its history."""
        found = await self._catalog.read(partial(_one, task_id=task_id))
        if found is None:
            raise NotFound("task_not_found", "no such task")
        state, history = found
        document = self._document(state.task, state.assets)
        return {**document, "history": [entry_document(entry, state.task) for entry in history]}


def _page(tx: Transaction, *, asked: Narrowed[TaskFilter]) -> tuple[Page[Task], dict[str, list[Asset]]]:
    found = tx.query.tasks(asked.filter, limit=asked.limit, after=asked.after, sort=asked.sort)
    return found, tx.query.assets_of([task.id for task in found.items], conflicts=asked.filter.conflicts)


def _one(tx: Transaction, *, task_id: str) -> tuple[TaskState, list[HistoryEntry]] | None:
    state = tx.tasks.get(task_id)
    return (state, tx.tasks.history(task_id)) if state else None
