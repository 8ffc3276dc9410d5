"""Reads a request for images: it is good, or one of its members is wrong. Pure.

For models whose rules are not known only the callback URL is judged; what else makes sense is read, to reckon with.
"""

from service.provider.payload import storable
from service.submission.document import read_document, shown
from service.submission.parameters import BETA, LONGEST_PROMPT, MODEL, OFFERS, UNKNOWN, Fields, Offer, problems
from service.submission.request import CALLBACK, INVALID_PARAMETER, Request, Wrong, fingerprint
from service.submission.sizes import AUTO, Resolution
from service.submission.urls import CallbackRule

LONGEST_MODEL = 200

_AS_DOCUMENTED = CallbackRule()


def read_request(body: bytes, *, other_models: bool, callback_rule: CallbackRule = _AS_DOCUMENTED) -> Request | Wrong:
    """The request that a body is, or the first thing that is wrong with it; never an exception.

    With `other_models` requests for models whose rules are not known pass too.
    """
    document = read_document(body)
    if isinstance(document, Wrong):
        return document
    fields = {name: value for name, value in document.items() if value is not None}
    problem = _model_problem(fields.get("model"), other_models)
    if problem is not None:
        return _wrong("model", problem)
    offer = OFFERS.get(fields["model"])
    found = problems(fields, offer or UNKNOWN)
    if found and offer is not None:
        return _wrong(*next(iter(found.items())))
    problem = callback_rule.problem(fields[CALLBACK]) if CALLBACK in fields else None
    if problem is not None:
        return _wrong(CALLBACK, problem)
    return _request(fields, {name: value for name, value in fields.items() if name not in found}, offer)


def _model_problem(model: object, other_models: bool) -> str | None:
    if model is None:
        return f"is required: {MODEL} or {BETA}"
    if not isinstance(model, str) or not _is_name(model):
        return f"must be {MODEL} or {BETA}, not {shown(model)}"
    if model in OFFERS or other_models:
        return None
    return (
        f"must be {MODEL} or {BETA}, not {shown(model)}: others are passed on, without a look at the rest, "
        "when DARKROOM_SUBMIT__OTHER_MODELS=on"
    )


def _is_name(model: str) -> bool:
    return model.isprintable() and model == model.strip() and 1 <= len(model) <= LONGEST_MODEL


def _wrong(name: str, problem: str) -> Wrong:
    return Wrong(name, INVALID_PARAMETER, f"{name} {problem}")


def _request(document: Fields, sensible: Fields, offer: Offer | None) -> Request:
    """`sensible` is the document without what cannot be made sense of."""
    prompt = document.get("prompt")
    return Request(
        document=document,
        model=document["model"],
        prompt=storable(prompt) if isinstance(prompt, str) else None,
        size=sensible.get("size", AUTO),
        resolution=Resolution(sensible.get("resolution", Resolution.ONE_K)),
        quality=sensible.get("quality", "medium"),
        n=sensible.get("n", 1),
        image_urls=tuple(sensible.get("image_urls", ())),
        mask_url=sensible.get("mask_url"),
        callback_url=document.get(CALLBACK),
        known=offer is not None,
        warnings=_warnings(document, offer),
        fingerprint=fingerprint(document),
    )


def _warnings(document: Fields, offer: Offer | None) -> tuple[str, ...]:
    if offer is None or offer.doubtful_prompt is None or len(document["prompt"]) <= offer.doubtful_prompt:
        return ()
    return (
        f"prompt has {len(document['prompt'])} characters: for {document['model']} one page of the provider says that "
        f"{LONGEST_PROMPT} are taken, another that {offer.doubtful_prompt} are",
    )
