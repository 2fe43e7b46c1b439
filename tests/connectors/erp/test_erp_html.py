"""Notes that an ERP keeps as HTML."""

from __future__ import annotations

import pytest

from connectors.erp.mapping.html_text import to_html, to_text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<p>Ring first</p>", "Ring first"),
        ("<p>a<br>b</p><p>c</p>", "a\nb\nc"),
        ("<div><p>a &amp; b &lt;3</p></div>", "a & b <3"),
        ("plain, with\na wrap", "plain, with a wrap"),
        ("<ul><li>one</li><li>two</li></ul>", "one\ntwo"),
        ("<style>p {}</style><p>x</p><script>alert(1)</script>", "x"),
        ("<p><br></p>", None),
        ("", None),
        ("a < b and <unknown>c</unknown>", "a < b and c"),
    ],
)
def test_html_is_the_text_that_people_read(html: str, text: str | None) -> None:
    assert to_text(html) == text


@pytest.mark.parametrize("text", ["Ring first", "a\nb\n\nc", "<b> & \"quotes\" 'too'", "a  b", "😀 æøå"])
def test_text_comes_back_as_it_was_written(text: str) -> None:
    assert to_text(to_html(text)) == text
