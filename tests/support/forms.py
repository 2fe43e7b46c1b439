"""The forms of a page, as a browser without scripts would send them."""

from __future__ import annotations

from html.parser import HTMLParser


class Form(HTMLParser):
    """What a browser would send for the first form with method post whose action ends so; all links of the page."""

    def __init__(self, action: str = "") -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.foreign: list[str] = []
        self.styles: list[str] = []
        self.action = ""
        self._wanted = action
        self._inside = False
        self._select = self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name in ("href", "src", "action"):
            if "//" in given.get(name, ""):
                self.foreign.append(given[name])
        if tag == "link" and given.get("rel") == "stylesheet":
            self.styles.append(given["href"])
        if tag == "form" and given.get("method") == "post" and not self.action:
            self._inside = given["action"].endswith(self._wanted)
            self.action = given["action"] if self._inside else ""
        if not self._inside:
            return
        if tag == "input":
            self.values[given["name"]] = given.get("value", "")
        elif tag == "select":
            self._select = given["name"]
            self.values[self._select] = ""
        elif tag == "textarea":
            self._area = given["name"]
            self.values[self._area] = ""
        elif tag == "option" and "selected" in given:
            self.values[self._select] = "?"

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data.removeprefix("\n") if not self.values[self._area] else data
        elif self._select and self.values.get(self._select) == "?":
            self.values[self._select] = data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        if tag == "select":
            self._select = ""
        if tag == "form":
            self._inside = False


def filled(page: str, action: str = "") -> Form:
    """The form of a page, with what stands in it."""
    form = Form(action)
    form.feed(page)
    return form
