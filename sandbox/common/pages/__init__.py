"""What the pages of both sandboxes share: their look, and who may use them. Plain HTML, no scripts."""

from __future__ import annotations

from flask import Blueprint, Response, abort, request

from core.origin import is_foreign

POLICY = "; ".join(
    (
        "default-src 'none'",
        *(f"{kind} 'self'" for kind in ("style-src", "img-src", "form-action")),
        *(f"{kind} 'none'" for kind in ("frame-ancestors", "base-uri")),
    )
)


def create_styles() -> Blueprint:
    """Return the blueprint that has the base template, and serves the style sheet under `/_pages`."""
    return Blueprint(
        "pages", __name__, template_folder="templates", static_folder="static", static_url_path="/_pages"
    )


def page_blueprint(name: str, import_name: str) -> Blueprint:
    """Return a blueprint for pages; a write must come from a form of the page itself."""
    made = Blueprint(name, import_name, template_folder="templates")
    made.before_request(_keep_out)
    made.after_request(_protect)
    return made


def _keep_out() -> None:
    if is_foreign(request, must_tell=request.method == "POST"):
        abort(403, "this page takes forms from itself only")


def _protect(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
