"""Whether a package has the file that Lambda will look for.

How a handler's text names a file is each runtime's own: Python's
``module.function`` (dots or slashes between packages), Ruby's
``file.Module::Class.method``, Node's ``dir/file.export``, Java's
``package.Class::method``; ``provided`` runtimes start ``bootstrap``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tc.build.entry import Entry
from tc.build.words import few, shown
from tc.errors import TcError
from tc.spec.function import Function


def check_handler(function: Function, entries: Sequence[Entry]) -> None:
    """Raises TcError when the package `entries` has no handler for `function`."""
    names = {entry.name: entry for entry in entries}
    rule = next(
        (rule for start, rule in _RULES.items() if function.runtime.startswith(start)), None
    )
    # A whole path is in a layer.
    if rule is None or function.handler.startswith("/"):
        return
    expected = rule(function.handler, names)
    if expected:
        raise TcError(
            f"the package of `{function.name}` has no {expected}, which {_user(function)}; "
            f"in it: {few(sorted(names))}",
            code="no-handler",
            where=shown(function.dir),
            hint=_hint(function),
        )
    if function.runtime.startswith("provided") and not names["bootstrap"].executable:
        raise TcError(
            f"`bootstrap` in the package of `{function.name}` isn't executable, so Lambda can't "
            "start it",
            code="no-handler",
            where=shown(function.dir),
            hint="before the package is made: chmod +x bootstrap",
        )


def _user(function: Function) -> str:
    if function.runtime.startswith("provided"):
        return "Lambda starts"
    return f"the handler `{function.handler}` asks for"


def _hint(function: Function) -> str:
    ways = ["change `runtime.handler`"]
    if function.build.command or function.tasks.get("build"):
        ways.append("let the build command put the file into lambda.zip")
    if function.layers:
        ways.append("for a handler in a layer, write a file here that imports it")
    if function.ignore:
        ways.append("check what .tcignore leaves out")
    return ", or ".join(ways)


def _python(handler: str, names: Mapping[str, Entry]) -> str:
    module = handler.rpartition(".")[0].replace(".", "/")
    compiled = any(name.startswith(f"{module}.") and name.endswith(".so") for name in names)
    known = (f"{module}.py", f"{module}/__init__.py", f"{module}.pyc")
    return "" if compiled or any(name in names for name in known) else f"{module}.py"


def _ruby(handler: str, names: Mapping[str, Entry]) -> str:
    file = handler.removeprefix("./").split(".")[0] + ".rb"
    return "" if file in names else file


def _node(handler: str, names: Mapping[str, Entry]) -> str:
    folder, slash, last = handler.removeprefix("./").rpartition("/")
    module = folder + slash + last.split(".")[0]
    known = (module, f"{module}.js", f"{module}.mjs", f"{module}.cjs")
    return "" if any(name in names for name in known) else f"{module}.js, .mjs or .cjs"


def _java(handler: str, names: Mapping[str, Entry]) -> str:
    file = handler.split("::")[0].replace(".", "/") + ".class"
    return "" if file in names or any(name.endswith(".jar") for name in names) else file


def _provided(handler: str, names: Mapping[str, Entry]) -> str:  # noqa: ARG001
    return "" if "bootstrap" in names else "bootstrap"


#: start of the runtime -> the rule, which says what is missing
_RULES: dict[str, Callable[[str, Mapping[str, Entry]], str]] = {
    "python": _python,
    "ruby": _ruby,
    "nodejs": _node,
    "java": _java,
    "provided": _provided,
}
