"""What callbacks are measured by: a Starlette route that reads the body and answers, under the service's own server
settings. `python -m tests.benchmarks.baseline PORT`; it keeps nothing.
"""

import sys

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def receive(request: Request) -> JSONResponse:
    await request.body()
    return JSONResponse({"status": "accepted"}, status_code=202)


def main() -> None:
    app = Starlette(routes=[Route("/callbacks/{source}/{token}", receive, methods=["POST"])])
    uvicorn.run(
        app,
        port=int(sys.argv[1]),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=1,
        backlog=2048,
        http="httptools",
        ws="none",
    )


if __name__ == "__main__":
    main()
