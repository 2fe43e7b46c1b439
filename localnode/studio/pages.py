"""Studio's pages: shells without data, each with the script that fills it."""

from __future__ import annotations

from flask import Blueprint, render_template

pages = Blueprint(
    "studio", __name__, template_folder="templates", static_folder="static", static_url_path="/studio/static"
)

TITLES = {
    "flow": "Flow",
    "record": "Record",
    "pending": "Pending",
    "plan": "Plan",
    "verify": "Verify",
    "dead-letters": "Dead letters",
    "runs": "Runs",
    "datasets": "Datasets",
    "log": "Log",
}
"""Pages in the navigation, in its order."""


@pages.get("/", endpoint="root")
@pages.get("/studio", endpoint="root", strict_slashes=False)
def flow_page() -> str:
    """The flow: what a person sees first."""
    return _shell("flow", "Flow")


@pages.get("/studio/<any(record, pending, plan, verify, 'dead-letters', runs, datasets, log):name>")
def listed(name: str) -> str:
    """A page of the navigation."""
    return _shell(name, TITLES[name])


@pages.get("/studio/pipes/<path:pipe_id>")
def pipe(pipe_id: str) -> str:
    """One pipe; the script reads its id from the address."""
    del pipe_id
    return _shell("pipe", "Pipe", section="flow")


@pages.get("/studio/datasets/<path:dataset_id>")
def dataset(dataset_id: str) -> str:
    """One dataset, or with `?entity=` one of its entities; the script reads both from the address."""
    del dataset_id
    return _shell("dataset", "Dataset", section="datasets")


def _shell(script: str, title: str, section: str | None = None) -> str:
    return render_template(
        "shell.html",
        script=script,
        title=title,
        section=section or script,
        titles=TITLES,
        charts=script in ("runs", "pipe"),
    )
