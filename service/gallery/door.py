"""Logging in with a key and out again, and the guard of pages: who is not logged in is asked to, and comes back."""

from collections.abc import Awaitable, Callable
from urllib.parse import urlencode

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from service.domain.api_key import ApiKey, Denial, Scope
from service.errors import NotFound, Refused, Unavailable
from service.gallery.site import LANGUAGE_COOKIE, Site
from service.gallery.texts import LANGUAGES, sentence
from service.keys.known import Denied
from service.web.body import read_form
from service.web.browsers import Browsers
from service.web.keys import ApiKeys, actor_by, host_of
from service.web.problems import status_of

PageEndpoint = Callable[[Request, ApiKey], Awaitable[Response]]

log = structlog.get_logger(__name__)


class Door:
    """Lets browsers in: by a key that is typed once, and then by the session that it began."""

    def __init__(self, *, site: Site, keys: ApiKeys, browsers: Browsers) -> None:
        self._site = site
        self._keys = keys
        self._browsers = browsers

    def routes(self) -> list[Route]:
        return [
            Route("/login", self.login, methods=["GET", "POST"]),
            Route("/logout", self.logout, methods=["POST"]),
            Route("/language", self.language, methods=["POST"]),
        ]

    def page(self, path: str, endpoint: PageEndpoint, *, method: str = "GET") -> Route:
        """A page that takes `read`: others are asked to log in first."""

        async def guarded(request: Request) -> Response:
            key = self._browsers.key_of(request)
            if isinstance(key, Denied):
                here = f"{request.url.path}?{request.url.query}" if request.url.query else request.url.path
                here = here if request.method == "GET" else "/"  # a form is not sent again by itself
                if _by_script(request):
                    return Response(status_code=401, headers={"Cache-Control": "no-store"})
                return RedirectResponse(f"/login?{urlencode({'next': here})}", 303, {"Cache-Control": "no-store"})
            if not key.may(Scope.READ):
                return self._site.page(request, "error.html", key=key, status=403, said=_BLIND)
            request.state.actor = actor_by(request, key)
            try:
                return await endpoint(request, key)
            except (Refused, Unavailable) as error:
                if _by_script(request):
                    raise
                return self._not_shown(request, key, error)

        return Route(path, guarded, methods=[method])

    async def login(self, request: Request) -> Response:
        following = _inside(request.query_params.get("next", "/"))
        if request.method != "POST":
            return self._site.page(request, "login.html", key=None, following=following, wrong=None)
        if not _same_site(request):
            return self._refused(request, following, _ELSEWHERE, status=403)
        key = self._keys.log_in(request, (await read_form(request)).get("key", ""))
        if isinstance(key, Denied):
            wrong, status = _WRONG[key.why]
            return self._refused(request, following, wrong, status=status)
        answer = RedirectResponse(following, 303, {"Cache-Control": "no-store"})
        self._browsers.begin(answer, key)
        log.info("logged_in", key_id=key.id, key=key.name, address=host_of(request))
        return answer

    async def logout(self, request: Request) -> Response:
        """Forget the session; without its token nothing happens, so that no other site logs anybody out."""
        answer = RedirectResponse("/login", 303, {"Cache-Control": "no-store"})
        if self._browsers.may(request, (await read_form(request)).get("write_token", "")):
            self._browsers.end(answer)
            answer.headers["Clear-Site-Data"] = '"cache"'  # images may be kept for a year by who may see them
        return answer

    async def language(self, request: Request) -> Response:
        """Show pages in this language from now on."""
        form = await read_form(request)
        answer = RedirectResponse(_inside(form.get("next", "/")), 303, {"Cache-Control": "no-store"})
        if form.get("language") in LANGUAGES:
            answer.set_cookie(LANGUAGE_COOKIE, form["language"], max_age=31536000, path="/", samesite="lax")
        return answer

    def _not_shown(self, request: Request, key: ApiKey, error: Refused | Unavailable) -> Response:
        """What is wrong, in general in the reader's language, and as it is in English."""
        if isinstance(error, Unavailable):
            return self._site.page(request, "error.html", key=key, status=503, said=_OUT, detail=str(error))
        said, detail = (_MISSING, None) if isinstance(error, NotFound) else (_UNSHOWABLE, str(error))
        return self._site.page(request, "error.html", key=key, status=status_of(error), said=said, detail=detail)

    def _refused(self, request: Request, following: str, wrong: str, *, status: int) -> Response:
        return self._site.page(request, "login.html", key=None, status=status, following=following, wrong=wrong)


_BLIND = sentence("This key may not look.")
_MISSING = sentence("There is no such image.")
_OUT = sentence("That cannot be shown just now. Try again in a moment.")
_UNSHOWABLE = sentence("That cannot be shown.")
_ELSEWHERE = sentence("This form was sent from another site.")
_LATER = sentence("Too many wrong keys came from your address. Try again in a minute.")
_AWAY = sentence("Keys cannot be looked up just now. Try again in a moment.")
_UNKNOWN = sentence("This is no valid key.")
_WRONG = {
    Denial.MISSING: (sentence("Type a key."), 400),
    Denial.UNKNOWN: (_UNKNOWN, 403),
    Denial.REVOKED: (_UNKNOWN, 403),
    Denial.EXPIRED: (_UNKNOWN, 403),
    Denial.LIMITED: (_LATER, 429),
    Denial.UNCERTAIN: (_AWAY, 503),
}


def _inside(following: str) -> str:
    """A place on this site; what leads anywhere else becomes the first page."""
    leads_away = not following.startswith("/") or following.startswith("//") or "\\" in following
    return "/" if leads_away or not following.isprintable() else following


def _by_script(request: Request) -> bool:
    """Whether a script of ours asks, which reads a problem better than a page."""
    return request.headers.get("sec-fetch-dest") == "empty"


def _same_site(request: Request) -> bool:
    """Whether our own page sent this; browsers say it themselves, and what is no browser has no session to lose."""
    return request.headers.get("sec-fetch-site", "same-origin") in ("same-origin", "none")
