"""Mapping templates (VTL) of what a caller sent: whole, its `detail`, or with path and query.

A template is made of parts: text, directives that stay as they are, and
expressions that show JSON. So it can also stand inside a JSON string or a form.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Literal
from urllib.parse import quote_plus

Part = tuple[Literal["text", "directive", "json"], str]
_Ways = dict[str, Callable[[str], str]]

#: what `request_template` may be without being a template; "" is the body as it is
NAMED = ("", "detail", "merged")


def sent(written: str, whole: str = "$input.json('$')") -> list[Part]:
    """The parts of what the target gets; `whole` is the expression for the body."""
    if written == "detail":
        return [("json", "$input.json('$.detail')")]
    if written == "merged":
        return [
            ("text", '{"path": {'),
            *_params("path"),
            ("text", '}, "query": {'),
            *_params("querystring"),
            ("text", '}, "body": '),
            ("json", "$input.json('$')"),
            ("text", "}"),
        ]
    return [("json", written or whole)]


def _params(place: str) -> list[Part]:
    """``"name": "value", …``"""
    params = f"$input.params().{place}"
    return [
        ("directive", f"#foreach($name in {params}.keySet())"),
        ("text", '"'),
        ("json", _escaped("$name")),
        ("text", '": "'),
        ("json", _escaped(f"{params}.get($name)")),
        ("text", '"'),
        ("directive", "#if($foreach.hasNext)"),
        ("text", ", "),
        ("directive", "#end#end"),
    ]


def as_text(parts: Sequence[Part]) -> str:
    """`parts` inside a JSON string."""
    ways: _Ways = {"text": lambda text: json.dumps(text)[1:-1], "json": _escaped}
    return "".join(ways.get(kind, str)(part) for kind, part in parts)


def as_form(parts: Sequence[Part]) -> str:
    """`parts` as the value of a form's field."""
    ways: _Ways = {"text": quote_plus, "json": lambda expression: f"$util.urlEncode({expression})"}
    return "".join(ways.get(kind, str)(part) for kind, part in parts)


def _escaped(expression: str) -> str:
    """The expression's text inside a JSON string: escapeJavaScript also escapes single
    quotes, which JSON doesn't allow."""
    return f'$util.escapeJavaScript({expression}).replaceAll("\\\\\'", "\'")'
