"""The description of the API: all routes are in it, with what they ask for, and its examples are good ones."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

from service.app import create_app
from service.domain.announcement import announcements
from service.domain.api_key import Scope
from service.domain.asset import Asset
from service.notify.body import event_body, event_data
from service.web.description.codes import CODES
from service.web.description.everything import OPERATIONS
from service.web.description.examples import EXAMPLES
from service.web.description.operation import Operation
from tests.notify.world import dead_image, image
from tests.notify.world import task as settled_task
from tests.support.app import House
from tests.support.deliveries import NOW, TASK
from tests.support.described import document, faults, faults_of_answer, operation
from tests.support.pages import is_page

SERVICE = Path(__file__).parents[2] / "service"

HOW = """
{missing} is in no OPERATIONS. Add an Operation to the module of its kind in service/web/description, such as tasks.py:
  Operation("GET", "/v1/things/{{id}}", "get_thing", Tag.THINGS, Scope.READ, "Look at a thing",
            (Answer(200, "What is known of it.", ThingDocument),),
            where={{"id": "The thing's id."}}, refuses={{404: ("thing_not_found",)}})
ThingDocument is the TypedDict in service/web/answers that the route's function returns. `query` takes the Parameters
that the route reads, `body` the model. Each new code of an error gets a line in codes.py. Have the route asked in
tests/description/every_operation.py, and record its example: see tests/description/test_examples.py."""
AGAIN = "; after a change of answers record the examples anew: see tests/description/test_examples.py"

WITHOUT_EXAMPLES = {"get_description"}
"""The document would be an example of itself."""

FILLED = {"{id}": "1", "{token}": "x", "{source}": "evolink", "{link}": "x", "{name}": "x"}
OF_A_TASK = {"/v1/tasks": TASK, "/v1/assets": f"{TASK}.0", "/evolink": TASK}


def test_every_route_of_the_service_is_described_and_nothing_else_is(empty: House) -> None:
    routes = {
        (method, route.path.rstrip("/"))
        for route in create_app(empty.parts).routes
        if isinstance(route, Route) and not is_page(route)
        for method in (route.methods or set()) - {"HEAD"}
    }
    described = {(one.method, one.path) for one in OPERATIONS}
    missing = ", ".join(f"{method} {path}" for method, path in sorted(routes - described))
    assert not missing, HOW.format(missing=missing)
    assert described - routes == set(), "these are described, and no route of the service"
    assert len(described) == len(OPERATIONS), "a route is described twice"


def path_of(one: Operation) -> str:
    """The operation's path with something in place of its parameters; nothing of that exists."""
    path = one.path
    for begins, task_or_asset in OF_A_TASK.items():
        if path.startswith(begins):
            path = path.replace("{id}", task_or_asset)
    for name, value in FILLED.items():
        path = path.replace(name, value)
    return path


@pytest.mark.asyncio(loop_scope="module")
async def test_each_operation_asks_for_the_scope_that_is_described(empty: House) -> None:
    clients = {Scope.READ: empty.read, Scope.WRITE: empty.write, Scope.ADMIN: empty.admin}
    for one in OPERATIONS:
        body: list[str] | None = [] if one.body is not None else None  # wrong, so that nothing is changed
        answer = await empty.anyone.request(one.method, path_of(one), json=body)
        assert (answer.status_code == 401) == (one.scope is not None), one.id
        for held, client in clients.items():
            enough = one.scope is None or list(Scope).index(held) >= list(Scope).index(one.scope)
            answer = await client.request(one.method, path_of(one), json=body)
            assert (answer.status_code != 403) == enough, (one.id, held, answer.text)


@pytest.mark.long
def test_it_is_openapi() -> None:
    OpenAPIV31SpecValidator(document()).validate()
    assert document()["openapi"].startswith("3.1")


def test_operations_have_names_of_their_own_and_links_lead_to_them() -> None:
    names = [one.id for one in OPERATIONS]
    assert len(set(names)) == len(names)
    for one in OPERATIONS:
        for follow in (follow for answer in one.answers for follow in answer.follow):
            assert follow.where.keys() == operation(follow.operation).where.keys(), (one.id, follow.operation)


def test_members_that_come_from_another_document_keep_their_sentence() -> None:
    schemas = document()["components"]["schemas"]
    for extended, plain in (("TaskWithHistory", "Task"), ("RawCallback", "Callback"), ("NewKey", "Key")):
        for name, member in schemas[plain]["properties"].items():
            assert schemas[extended]["properties"][name].get("description") == member.get("description"), name


def test_an_export_says_of_each_form_how_its_end_is_known() -> None:
    """A CSV has no line of its own for it, which the others have."""
    said = {
        one.partition(":")[0]: one for one in re.split(r"(?=NDJSON:|CSV:|ZIP:)", operation("export").answers[0].says)
    }
    assert ["`next`" in said[form] for form in ("NDJSON", "CSV", "ZIP")] == [True, False, True]


def test_paths_and_parameters_agree() -> None:
    for one in OPERATIONS:
        assert set(re.findall(r"\{(\w+)\}", one.path)) == one.where.keys(), one.id


def test_each_answer_in_json_has_an_example_that_holds() -> None:
    for one in OPERATIONS:
        for answer in one.answers:
            if answer.shape is None or one.id in WITHOUT_EXAMPLES:
                continue
            assert (one.id, answer.status) in EXAMPLES or answer.status == 503, (
                f"{one.id} {answer.status} has none{AGAIN}"
            )
    for (name, status), body in EXAMPLES.items():
        assert faults_of_answer(name, status, body) == [], f"{name} {status}{AGAIN}"


def test_each_example_of_a_request_holds() -> None:
    for one in OPERATIONS:
        operation_object = document()["paths"][one.path][one.method.lower()]
        for parameter in operation_object.get("parameters", ()):
            if "example" in parameter:
                assert faults(parameter["schema"], parameter["example"]) == [], (one.id, parameter["name"])
        if one.body is not None:
            [content] = operation_object["requestBody"]["content"].values()
            assert faults(content["schema"], content["example"]) == [], one.id
            if one.body.model is not None:
                one.body.model.model_validate(content["example"])


@pytest.mark.asyncio(loop_scope="module")
async def test_what_is_answered_is_what_is_described(archived: House) -> None:
    """Every member of every answer; what takes more than one archived image is asked for by the system tests."""
    for one in OPERATIONS:
        if one.method == "GET" and one.id not in ("get_description", "get_docs", "get_static", "get_metrics"):
            answer = await archived.admin.get(path_of(one))
            if "json" in answer.headers["content-type"]:
                assert faults_of_answer(one.id, answer.status_code, answer.json()) == [], one.id


@pytest.mark.parametrize(
    ("assets", "kinds"),
    [([image()], ["asset.archived", "task.settled"]), ([dead_image()], ["asset.dead", "task.settled"])],
)
def test_what_others_are_told_is_what_is_described(assets: list[Asset], kinds: list[str]) -> None:
    of = settled_task()
    told = announcements(of, assets, now=NOW)
    assert [one.kind for one in told] == kinds
    for one in told:
        body = json.loads(event_body(one.kind, one.at, json.loads(event_data(one, of, assets)), {0: "https://x"}))
        [content] = document()["webhooks"][one.kind.value]["post"]["requestBody"]["content"].values()
        assert faults(content["schema"], body) == [], one.kind
        assert faults(content["schema"], content.get("example", body)) == [], one.kind


def codes_in(path: Path) -> Iterator[str]:
    """The codes of errors that a module names: first arguments of exceptions, second ones of answers."""
    text = path.read_text("utf-8")
    tree = ast.parse(text) if any(f"{name}(" in text for name in (*RAISED, *ANSWERED)) else ast.Module([], [])
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            place = {**dict.fromkeys(RAISED, 0), **dict.fromkeys(ANSWERED, 1)}.get(name)
            if place is not None and len(node.args) > place:
                argument = node.args[place]
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


RAISED = ("Invalid", "NotFound", "Conflict", "Gone", "TooLarge", "WrongKind")
ANSWERED = ("problem", "provider_error", "_refusal", "refuse")
ELSEWHERE = {"upkeep", "outbound", "cli"}
"""Parts that no route calls, and one that has a Forbidden of its own."""


def test_every_code_is_explained_and_every_explained_one_exists() -> None:
    modules = [path for path in SERVICE.rglob("*.py") if path.relative_to(SERVICE).parts[0] not in ELSEWHERE]
    raised = {code for path in modules for code in codes_in(path)}
    assert raised - CODES.keys() == set(), "each needs a line in service/web/description/codes.py"
    texts = "\n".join(path.read_text("utf-8") for path in modules if path.name != "codes.py")
    of_starlette = {"bad_request", "method_not_allowed"}
    assert {code for code in CODES if f'"{code}"' not in texts} <= of_starlette
