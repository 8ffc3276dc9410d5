"""What all pages have in common: templates, language, headers that keep out what is not ours, addresses of files."""

from collections.abc import Mapping
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from service.domain.api_key import ApiKey, Scope
from service.gallery.texts import LANGUAGES, Texts, language_for
from service.gallery.words import FILTERS
from service.web.browsers import Browsers
from service.web.static_files import address_of

LANGUAGE_COOKIE = "darkroom_language"

_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
    "Vary": "Cookie, Accept-Language",
}
"""Pages show what others wrote: nothing but our own files runs in them, and nobody may frame or keep them."""


class Site:
    """Renders pages from templates; whatever is put into one is escaped."""

    def __init__(self, browsers: Browsers) -> None:
        self._browsers = browsers
        self._env = Environment(
            loader=PackageLoader("service.gallery"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.filters |= FILTERS
        self._env.globals |= {"static": address_of, "languages": LANGUAGES}

    def page(self, request: Request, template: str, *, key: ApiKey | None, status: int = 200, **given: Any) -> Response:
        """A page or a part of one, for who has this key."""
        texts = texts_for(request)
        text = self._env.get_template(template).render(
            t=texts,
            language=texts.language,
            here=request.url.path + (f"?{request.url.query}" if request.url.query else ""),
            key=key,
            may_write=key is not None and key.may(Scope.WRITE),
            may_admin=key is not None and key.may(Scope.ADMIN),
            write_token=self._browsers.write_token(request) if key is not None else "",
            **given,
        )
        return HTMLResponse(text, status_code=status, headers={**_HEADERS, "Content-Language": texts.language})


def texts_for(request: Request) -> Texts:
    accepted = request.headers.get("accept-language", "")
    return Texts(language_for(accepted, request.cookies.get(LANGUAGE_COOKIE)))
