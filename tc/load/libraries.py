"""What is built into a layer and is no function: `build.kind` layer, library and extension.

Such a directory has a function file like any other. Functions list it in `runtime.layers`, or in
`runtime.extensions`, by the name of its directory or of its layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tc.load.infer import DEFAULTS
from tc.spec.base import Targets
from tc.spec.fetched import is_reference
from tc.spec.finding import Address, Finding
from tc.spec.function import Function, FunctionFile
from tc.spec.layer import own_layer
from tc.spec.spec import Spec

#: keys of `runtime` that say how code is built; the others say how a function runs
_KEPT = frozenset({"lang", "arch", "layers", "handler", "package_type"})
#: keys of `functions.X` about where a result goes
_CHAIN = ("root", "queue", "mutation", "channel", "map", "then", "choice")
_NO_LAYER_NAME = ("arn:", "ssm:")
#: files and endings that tell the language of a directory without a handler
_MANIFESTS = {
    "pyproject.toml": "python",
    "requirements.txt": "python",
    "Pipfile": "python",
    "Gemfile": "ruby",
    "package.json": "node",
}
_ENDINGS = {".py": "python", ".rb": "ruby", ".js": "node", ".mjs": "node", ".cjs": "node"}


def language_of(directory: Path) -> list[str]:
    """What a directory without a handler may be written in: one language, none, or several."""
    names = _names(directory)
    said = {_MANIFESTS[name] for name in names if name in _MANIFESTS}
    if not said:
        nested = (file for name in names for file in _names(directory / name))
        endings = {Path(name).suffix for name in (*names, *nested)}
        said = {_ENDINGS[ending] for ending in endings if ending in _ENDINGS}
    return sorted(DEFAULTS[language] for language in said)


def _names(directory: Path) -> list[str]:
    try:
        return sorted(p.name for p in directory.iterdir() if not p.name.startswith("."))
    except OSError:
        return []


def problems(kind: str, runtime: Mapping[str, Any], parts: Iterable[Any]) -> Iterator[Finding]:
    """What a layer, library or extension can't have; `parts` are what was written of it, each
    with its `model` and `address`, and `runtime` is all of their `runtime` in one."""
    for part in parts:
        yield from _own(kind, part.model, part.address)
    if runtime.get("package_type") == "image":
        return
    layers = runtime.get("layers", ())
    at = next((p.address for p in parts if "layers" in p.model.runtime.model_fields_set), None)
    if at and (len(layers) > 1 or any(not _is_name(layer) for layer in layers)):
        message = f"`layers` of a {kind} is the name of the layer that it is built into"
        hint = "one name without a version, or none for {namespace}-{name}"
        yield Finding("invalid-value", message, at / "runtime" / "layers", hint)


def _own(kind: str, model: FunctionFile, address: Address) -> Iterator[Finding]:
    because = f"can't stand with `build.kind: {kind}`: it is no function"
    for key in sorted(model.runtime.model_fields_set - _KEPT):
        yield Finding("both", f"`{key}` {because}", address / "runtime" / key, "take it out", "key")
    if model.runtime.package_type == "image":
        at = address / "runtime" / "package_type"
        yield Finding("both", f"`package_type: image` {because}", at, "take it out", "key")
    for key in ("command", "pre", "post"):
        if getattr(model.build, key):
            message = f"`build.{key}` can't stand with `build.kind: {kind}`: no command runs for it"
            hint = "put what it makes into the directory"
            yield Finding("both", message, address / "build" / key, hint, "key")
    if model.tasks.get("build"):
        message = f"`tasks.build` can't stand with `build.kind: {kind}`: no command runs for it"
        hint = "put what it makes into the directory"
        yield Finding("both", message, address / "tasks" / "build", hint, "key")
    written = [key for key in _CHAIN if key in model.model_fields_set]
    if isinstance(model, Targets):
        written += [key for key, _ in model.targets()]
    written += ["fqn"] if model.fqn else []
    for key in dict.fromkeys(written):
        yield Finding("both", f"`{key}` {because}", address / key, "take it out", "key")


def _is_name(layer: str) -> bool:
    return not layer.startswith(_NO_LAYER_NAME) and ":" not in layer and not is_reference(layer)


def with_libraries(spec: Spec) -> Spec:
    """`spec` with what is no function apart, nested topologies too. A function may list the
    library of its own topology by its bare name, and any other by its layer's."""
    made = frozenset(
        own_layer(one, part.name)
        for part in spec.family()
        for one in part.functions.values()
        if one.is_library
    )
    return _split(spec, made)


def _split(spec: Spec, made: frozenset[str]) -> Spec:
    libraries = {name: one for name, one in spec.functions.items() if one.is_library}
    bare = {name: own_layer(one, spec.name) for name, one in libraries.items()}
    others = {
        name: _listing(one, bare, made)
        for name, one in spec.functions.items()
        if name not in libraries
    }
    nodes = tuple(_split(node, made) for node in spec.nodes)
    return replace(spec, functions=others, libraries=libraries, nodes=nodes)


def _listing(function: Function, bare: Mapping[str, str], made: frozenset[str]) -> Function:
    """`function` with the names of layers in place of those of directories."""
    layers = tuple(bare.get(layer, layer) for layer in function.layers)
    return replace(
        function,
        layers=layers,
        extensions=tuple(bare.get(layer, layer) for layer in function.extensions),
        libraries=tuple(layer for layer in layers if layer.partition(":")[0] in made),
    )
