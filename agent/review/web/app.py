"""The page's server: loopback only, one browser, and every change checked for where it comes from."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, RedirectResponse, Response

from agent.errors import ReviewError
from agent.review.web.desk import Closed, Desk
from agent.review.web.page import read_asset, render, render_waiting
from agent.review.web.session import Session
from agent.review.web.work import Answer, HandIn, Rest

if TYPE_CHECKING:
    from agent.review.web.reviewer import Open

LARGEST = 4_000_000
"""Bytes that a request may hold: the names of a hundred thousand pairs."""
CSRF_HEADER = "x-traitsmith"
POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every answer says to the browser."""
ASSETS = {"style.css": "text/css", "script.js": "text/javascript"}
Next = Callable[[Request], Awaitable[Response]]


def build_app(desk: Desk, session: Session, review: "Open", port: int) -> FastAPI:
    """The server's app; `review` is what waits now."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
    cookie = f"traitsmith_{port}"

    @app.middleware("http")
    async def guard(request: Request, go_on: Next) -> Response:
        response = _refusal(request, hosts, cookie, session) or await go_on(request)
        response.headers.update(HEADERS)
        return response

    # The order counts: what no other route names is looked for among the files.
    app.include_router(_entrance(session, cookie))
    app.include_router(_decisions(desk, review))
    app.include_router(_pages(desk, session, review))
    app.add_exception_handler(ReviewError, _unprocessable)
    app.add_exception_handler(Closed, _closed)
    app.add_exception_handler(RequestValidationError, _malformed)
    return app


def _entrance(session: Session, cookie: str) -> APIRouter:
    """The link that works once."""
    router = APIRouter()

    @router.get("/enter")
    def enter(token: str = "") -> Response:
        given = session.enter(token)
        if given is None:
            told = "This link does not work, or was used already. `traitsmith review RUN --web` shows a new one."
            return PlainTextResponse(told, 403)
        response = RedirectResponse("/", 303)
        # Not "strict": a link that is clicked in a terminal within a web page would lose it on the way to "/".
        # What changes something is kept from other pages by its origin and the page's secret.
        response.set_cookie(cookie, given, httponly=True, samesite="lax", path="/")
        return response

    return router


def _decisions(desk: Desk, review: "Open") -> APIRouter:
    """What changes the review; each is done in the run's own thread."""
    router = APIRouter()

    @router.post("/decide")
    def decide(answer: Answer) -> dict[str, Any]:
        return desk.ask(lambda: review.decide(answer))

    @router.post("/rest")
    def rest(given: Rest) -> dict[str, Any]:
        return desk.ask(lambda: review.decide_rest(given))

    @router.post("/hand-in")
    def hand_in(given: HandIn) -> dict[str, Any]:
        desk.ask(lambda: review.hand_in(given))
        return {"handed_in": True}

    return router


def _pages(desk: Desk, session: Session, review: "Open") -> APIRouter:
    """The page, what it asks about the run, and its files."""
    router = APIRouter()

    @router.get("/")
    def page() -> Response:
        try:
            return HTMLResponse(render(desk.ask(review.look), session.csrf))
        except Closed:
            return HTMLResponse(render_waiting(session.csrf))

    @router.get("/state")
    def state() -> dict[str, str | None]:
        phase, message = desk.phase
        return {"phase": phase, "message": message, "review": review.key}

    @router.get("/{name}")
    def asset(name: str) -> Response:
        if name not in ASSETS:
            return PlainTextResponse("There is no such page.", 404)
        return Response(read_asset(name), media_type=ASSETS[name])

    return router


def _refusal(request: Request, hosts: set[str], cookie: str, session: Session) -> Response | None:
    """Why a request is refused; None where it may go on.

    The host is checked against names that point here from elsewhere, the origin and the page's secret against forms
    and scripts of other pages.
    """
    if request.headers.get("host") not in hosts:
        return PlainTextResponse("This page is served to this machine only.", 403)
    if request.url.path == "/enter" and request.method == "GET":
        return None
    if not session.knows(request.cookies.get(cookie)):
        return PlainTextResponse("Open the link that the terminal shows.", 403)
    if request.method in ("GET", "HEAD"):
        return None
    origin = request.headers.get("origin")
    if origin is not None and origin not in {f"http://{host}" for host in hosts}:
        return PlainTextResponse("This request comes from another page.", 403)
    if not session.allows(request.headers.get(CSRF_HEADER)):
        return PlainTextResponse("This request does not come from the page.", 403)
    length = request.headers.get("content-length", "")
    if not length.isdigit() or int(length) > LARGEST:
        return PlainTextResponse("This request is too large.", 413)
    return None


def _unprocessable(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 422)


def _closed(_: Request, __: Exception) -> Response:
    return JSONResponse({"error": "nothing waits for a decision now."}, 409)


def _malformed(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fault = error.errors()[0]
    where = ".".join(str(part) for part in fault["loc"])
    return JSONResponse({"error": f"{where}: {fault['msg']}."}, 422)
