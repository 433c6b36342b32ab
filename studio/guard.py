"""Who may ask the server: only the page that it serves, in a browser on this machine."""

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "content-security-policy": "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; object-src 'none'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}
"""What every answer has: the page loads nothing from elsewhere, and no page elsewhere can show it or read from it.

`wasm-unsafe-eval` lets the synthesiser compile the WebAssembly that it carries along; scripts cannot be evaluated.
"""


class Guard:
    """Refuses requests that name another host, which DNS rebinding sends, and those that come from another page."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers or passes on a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        refusal = self._refusal(Headers(scope=scope))
        app = JSONResponse({"error": refusal}, status_code=403) if refusal else self._app
        await app(scope, receive, send_with_headers)

    def _refusal(self, headers: Headers) -> str | None:
        host, origin = headers.get("host"), headers.get("origin")
        if host not in self._hosts:
            return f"this server answers at {' and '.join(sorted(self._hosts))} only"
        if origin is not None and origin != f"http://{host}":
            return "another page may not ask this server"
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            return "another page may not ask this server"
        return None
