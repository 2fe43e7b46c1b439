"""What a browser may do with the node's answers.

Studio's pages run scripts and styles of this node alone and are framed by nobody. Every other answer, also
what the proxy passes on from a system behind the node, is no page at all: whatever it holds, a browser runs
nothing of it.
"""

from __future__ import annotations

from flask import Flask, Response, request

PAGE_POLICY = (
    "default-src 'self'; base-uri 'none'; object-src 'none'; form-action 'self'; frame-ancestors 'none'"
)
DATA_POLICY = "default-src 'none'; frame-ancestors 'none'; sandbox"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def protect(app: Flask) -> None:
    """Set the headers on every answer of `app`."""

    @app.after_request
    def headers(response: Response) -> Response:
        is_page = request.blueprint == "studio"
        response.headers["Content-Security-Policy"] = PAGE_POLICY if is_page else DATA_POLICY
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        if request.blueprint == "studio-data":
            response.headers["Cache-Control"] = "no-store"
        return response
