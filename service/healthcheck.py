"""`darkroom healthcheck`: asks the service on this machine whether it is ready, for container runtimes."""

import ssl

import httpx

from service.settings import Settings

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - compared, not bound to


def ask(settings: Settings, timeout: float) -> str | None:
    """None when the service is ready, else why not."""
    host = _ANY.get(settings.server.host, settings.server.host)
    scheme = "https" if settings.server.tls_cert else "http"
    url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.server.port}/readyz"
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE  # our own certificate names the public host
    try:
        with httpx.Client(verify=tls, trust_env=False, timeout=timeout) as client:
            answer = client.get(url)
            document = answer.json()
            problems = document.get("problems", {}) if isinstance(document, dict) else {}
    except (httpx.HTTPError, ValueError) as error:
        return f"no answer at {url}: {str(error) or type(error).__name__}"
    if answer.status_code == 200:
        return None
    return "not ready: " + "; ".join(str(problem) for problem in problems.values())
