"""The files that channels name as their handlers, read into the channels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tc.load.reader import Reader
from tc.load.sections import Sections
from tc.load.text import exists, read_text
from tc.spec.finding import Address, Finding

_DEFAULT = "default"
_MOMENTS = ("on_publish", "on_subscribe")


def read_handlers(sections: Sections, directory: Path, reader: Reader) -> None:
    """Puts the text of each `handler` into the `code` of its channel."""
    channels: dict[str, Any] = sections.good.get("channels", {})
    for name, model in channels.items():
        address = sections.addresses[("channels", name)]
        read = {moment: _read(model, moment, directory, address, reader) for moment in _MOMENTS}
        parts = {moment: part for moment, part in read.items() if part}
        if parts:
            channels[name] = model.model_copy(update=parts)


def _read(model: Any, moment: str, directory: Path, address: Address, reader: Reader) -> Any:
    """`on_publish` with the text of its handler's file; None for one that has no file."""
    part = getattr(model, moment)
    if part is None or part.handler in (None, _DEFAULT):
        return None
    at = address / moment / "handler"
    text = _text(directory / part.handler, part.handler, at, reader)
    if part.code is not None:
        message = "the code is here and in `handler`"
        reader.findings.append(Finding("both", message, at, "keep one of them", "key"))
    return None if text is None else part.model_copy(update={"code": text})


def _text(file: Path, name: str, at: Address, reader: Reader) -> str | None:
    if not reader.inside(file):
        finding = Finding(
            "outside-project",
            f"`{name}` is outside the project",
            at,
            f"the project is {reader.root}",
        )
    elif not exists(file) or not file.is_file():
        hint = "write `default`, or the path of a JavaScript file"
        finding = Finding("missing-file", f"there is no file `{name}`", at, hint)
    else:
        reader.files.add(file)
        return read_text(file, reader.findings)
    reader.findings.append(finding)
    return None
