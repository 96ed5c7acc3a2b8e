"""One `Function` of what its file, the topology and its directory say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tc.load.discover import Found
from tc.load.ignored import patterns
from tc.load.infer import (
    DEFAULTS,
    FUNCTION_FILES,
    RUNTIMES,
    family,
    handler_files,
    has_file,
    languages,
    languages_of,
    meant_language,
)
from tc.load.libraries import language_of
from tc.load.libraries import problems as library_problems
from tc.load.reader import Reader
from tc.load.runtime import image_problems, settings
from tc.records import dataclass
from tc.spec.asset import artifacts_dir
from tc.spec.base import Targets
from tc.spec.chain import MapHint
from tc.spec.fetched import is_reference, mistake
from tc.spec.finding import Address, Finding
from tc.spec.function import BUILD_KINDS, LIBRARY_KINDS, Build, Function, FunctionFile, Inline
from tc.spec.names import NAME

#: JavaScript that only a module may hold (ECMAScript, "Modules")
_ES_MODULE = re.compile(r"^\s*(?:export\b|import\s*[\w{*\"'])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Written:
    """A function file, or `functions.X`, and where it stands."""

    model: FunctionFile
    address: Address
    lost_target: bool = False


def assemble(
    name: str,
    found: Found,
    address: Address,
    file: Written | None,
    entry: Written | None,
    reader: Reader,
) -> Function | None:
    """The function `name`; None, and findings, when it can't be known what it is."""
    parts = [part for part in (file, entry) if part is not None]
    said = _Said(parts, address)
    reader.findings += said.problems()
    runtime = said.runtime
    code = runtime.get("code")
    lang, handler = "", runtime.get("handler") or ""
    if runtime.get("package_type") != "image" or said.is_library:
        known = _language(said, found, reader)
        if known is None:
            return None
        lang, handler = known, handler or (family(known).handler if known else "")
        is_built = bool(said.tasks.get("build") or said.build.command)
        if code is not None:
            reader.findings += inline_problems(said, found, lang, handler)
        elif not is_built and not said.is_library:
            _check_handler(name, found, lang, handler, said, reader)
    top = entry.model if entry else None
    return Function(
        name=name,
        dir=found.dir,
        address=address,
        runtime=RUNTIMES[lang] if lang else "",
        handler=handler,
        description=said.last("description") or "",
        arch=runtime.get("arch") or "x86_64",
        memory=runtime.get("memory") or 128,
        timeout=runtime.get("timeout"),
        environment=runtime.get("environment") or {},
        ephemeral_storage=runtime.get("ephemeral_storage") or 512,
        tracing=bool(runtime.get("tracing")),
        layers=(*runtime.get("layers", ()), *runtime.get("extensions", ())),
        extensions=tuple(runtime.get("extensions", ())),
        tags=said.merged("tags"),
        origins=said.origins(),
        tasks=said.tasks,
        build=said.build,
        assets=said.merged("assets"),
        root=getattr(top, "root", None),
        fqn=said.full_name(name),
        targets=tuple(top.targets()) if isinstance(top, Targets) else (),
        map=_map(getattr(top, "map", None)),
        then=getattr(top, "then", None) or "",
        choice=tuple(getattr(top, "choice", None) or ()),
        target_address=entry.address if entry else None,
        ignore=() if code is not None else _ignored(found, said, reader),
        inline=Inline(inline_file(lang, handler, code), code) if lang and code else None,
        image_runtime="" if lang else _image_runtime(said, found),
        has_dockerfile=(found.dir / "Dockerfile").is_file(),
        **settings(said.runtime, said.address),
    )


def _ignored(found: Found, said: _Said, reader: Reader) -> tuple[str, ...]:
    """What its package leaves out: .tcignore, and what is published as an asset."""
    ignored = patterns(found.dir, reader.findings)
    published = artifacts_dir(found.dir, said.merged("assets"))
    top = found.dir.resolve()
    if published is None or top not in published.resolve().parents:
        return ignored
    return (*ignored, f"/{published.resolve().relative_to(top).as_posix()}/")


def _map(written: str | MapHint | None) -> MapHint | None:
    return MapHint(items=written) if isinstance(written, str) else written


class _Said:
    """The function file and `functions.X` as one; what the topology says wins, key by key."""

    def __init__(self, parts: list[Written], fallback: Address):
        self.parts = parts
        self.fallback = fallback
        self.runtime = self._runtime()
        self.build = self._build()
        self.tasks: dict[str, str] = self.merged("tasks")

    @property
    def kind(self) -> str:
        return (self.build.kind or "code").lower()

    @property
    def is_library(self) -> bool:
        return self.kind in LIBRARY_KINDS

    def last(self, key: str) -> Any:
        values = [getattr(part.model, key) for part in self.parts]
        return next((value for value in reversed(values) if value is not None), None)

    def merged(self, key: str) -> dict[str, str]:
        found: dict[str, str] = {}
        for part in self.parts:
            found.update(getattr(part.model, key))
        return found

    def full_name(self, name: str) -> str:
        """The written name on AWS of the function `name`, templates included; empty for the
        derived one."""
        namespace = self.last("namespace")
        return self.last("fqn") or (f"{namespace}_{name}_{{{{sandbox}}}}" if namespace else "")

    def address(self, *keys: str) -> Address:
        """Where the value at `keys` was written; the function itself when it was not."""
        for part in reversed(self.parts):
            model: Any = part.model
            for key in keys:
                if model is None or key not in model.model_fields_set:
                    break
                model = getattr(model, key)
            else:
                return Address(part.address.file, (*part.address.path, *keys))
        return self.fallback

    def origins(self) -> dict[str, Address]:
        """Where each key of `runtime`, each variable and each tag was written."""
        found: dict[str, Address] = {}
        for part in self.parts:
            runtime, at = part.model.runtime, part.address / "runtime"
            found |= {key: at / key for key in runtime.model_fields_set}
            found |= {
                f"environment.{name}": at / "environment" / name for name in runtime.environment
            }
            found |= {f"tags.{name}": part.address / "tags" / name for name in part.model.tags}
        return found

    def _runtime(self) -> dict[str, Any]:
        merged: dict[str, Any] = {}
        environment: dict[str, Any] = {}
        for part in self.parts:
            runtime = part.model.runtime
            written = {key: getattr(runtime, key) for key in runtime.model_fields_set}
            if written.get("memory_size") is not None:
                written.setdefault("memory", written["memory_size"])
            environment.update(written.get("environment", {}))
            merged.update({key: value for key, value in written.items() if value is not None})
        if environment:
            merged["environment"] = environment
        return merged

    def _build(self) -> Build:
        merged: dict[str, Any] = {}
        for part in self.parts:
            build = part.model.build
            merged.update({key: getattr(build, key) for key in build.model_fields_set})
        return Build(**merged) if merged else Build()

    def problems(self) -> Iterator[Finding]:
        yield from self._kinds()
        yield from self._names()
        yield from self._memories()
        for key in ("layers", "extensions"):
            for index, layer in enumerate(self.runtime.get(key, ())):
                hint = mistake(layer) if is_reference(layer) else ""
                if hint or (is_reference(layer) and not layer.startswith("ssm:")):
                    message = f"`{layer}` is no layer"
                    hint = "a name, `name:version`, an ARN, or `ssm:/path` of an ARN"
                    at = self.address("runtime", key) / index
                    yield Finding("invalid-value", message, at, hint)

    def _kinds(self) -> Iterator[Finding]:
        if self.runtime.get("package_type") == "image":
            yield from image_problems(self.runtime, self.address)
        kind = self.build.kind
        if kind is not None and kind.lower() not in BUILD_KINDS:
            message = f"`{kind}` is no kind of build"
            hint = f"write one of: {', '.join(BUILD_KINDS)}"
            yield Finding("invalid-value", message, self.address("build", "kind"), hint)
        if self.build.bundle:
            yield from self._bundled()
        if self.is_library:
            yield from library_problems(self.kind, self.runtime, self.parts)

    def _bundled(self) -> Iterator[Finding]:
        """A bundle is made of the function's own files; what commands make would be lost."""
        written = [("build", key) for key in ("pre", "command", "post") if getattr(self.build, key)]
        written += [("tasks", "build")] if self.tasks.get("build") else []
        for keys in written:
            message = f"`{'.'.join(keys)}` can't stand with `build.bundle`: no command runs for it"
            hint = "take one out; a command may bundle by itself: esbuild --bundle"
            yield Finding("both", message, self.address(*keys), hint, "key")

    def _names(self) -> Iterator[Finding]:
        namespace = self.last("namespace")
        at = self.address("namespace")
        if namespace is not None and not NAME.match(namespace):
            message = f"`{namespace}` can't be a namespace"
            hint = "lower-case letters, digits and `-`, as a topology's name"
            yield Finding("invalid-name", message, at, hint)
        elif namespace and self.last("fqn"):
            message = "`fqn` is the whole name: `namespace` changes nothing of it"
            yield Finding("both", message, at, "keep one of them", "key")

    def _memories(self) -> Iterator[Finding]:
        for part in self.parts:
            runtime = part.model.runtime
            sizes = {runtime.memory, runtime.memory_size} - {None}
            if len(sizes) > 1:
                message = "`memory` and `memory_size` mean the same, and differ"
                address = part.address / "runtime" / "memory_size"
                yield Finding("invalid-value", message, address, "take one out")


def _image_runtime(said: _Said, found: Found) -> str:
    """What the image of a function without a Dockerfile starts from; empty when nothing says."""
    written = said.runtime.get("lang")
    if said.runtime.get("package_type") != "image":
        return ""
    candidates = [written] if written else languages_of(found.markers)
    return RUNTIMES.get(candidates[0], "") if len(candidates) == 1 else ""


def _language(said: _Said, found: Found, reader: Reader) -> str | None:
    written = said.runtime.get("lang")
    if written is None:
        return _inferred(said, found, reader)
    if written in RUNTIMES:
        return str(written)
    message = f"`{written}` is no language of tc; there are {languages()}"
    address = said.address("runtime", "lang")
    hint = meant_language(str(written))
    reader.findings.append(Finding("unknown-language", message, address, hint))
    return None


def _inferred(said: _Said, found: Found, reader: Reader) -> str | None:
    if said.runtime.get("code") is not None:
        message = "inline code doesn't say what language it is in"
        at = said.address("runtime", "code")
        hint = "write `lang: python3.13` beside it"
        reader.findings.append(Finding("missing-key", message, at, hint, "key"))
        return None
    candidates = languages_of(found.markers)
    if said.build.bundle and not candidates:
        candidates = [DEFAULTS["node"]]
    if said.is_library:
        candidates = candidates or language_of(found.dir)
        if said.kind == "extension" and not candidates:
            return ""
    if len(candidates) == 1:
        return candidates[0]
    if said.is_library:
        message = f"{found.dir.name}/ doesn't tell what language it is in"
        hint = "say which one in `runtime.lang`"
    elif candidates:
        message = f"{found.dir.name}/ has handlers of several languages"
        hint = "say which one in `runtime.lang`"
    else:
        message = f"there is no handler in {found.dir.name}/ that tells its language"
        hint = "write handler.py (or .rb, .js, .mjs), or `runtime.lang` and `runtime.handler`"
    reader.findings.append(Finding("no-code", message, said.fallback, hint, "key"))
    return None


def _check_handler(
    name: str, found: Found, lang: str, handler: str, said: _Said, reader: Reader
) -> None:
    files = handler_files(lang, handler)
    if said.build.bundle and files:
        files += [files[0].removesuffix(".js") + ending for ending in (".ts", ".mts", ".tsx")]
    where = said.address("runtime", "handler")
    if nameless := _nameless(lang, handler, said):
        reader.findings.append(nameless)
    elif not has_file(found.dir, files):
        message = f"the handler `{handler}` of `{name}` needs {files[0]}, which isn't there"
        hint = f"looked in {found.dir.name}/ for {', '.join(files)}"
        reader.findings.append(Finding("no-code", message, where, hint))


def _nameless(lang: str, handler: str, said: _Said) -> Finding | None:
    if family(lang).name not in ("python", "ruby", "node") or "." in handler:
        return None
    where = said.address("runtime", "handler")
    message = f"the handler `{handler}` names no function"
    return Finding("invalid-value", message, where, f"write `{handler}.handler`")


def inline_file(lang: str, handler: str, code: str) -> str:
    """The name of the file that holds the inline `code`."""
    files = handler_files(lang, handler)
    if family(lang).name == "node":
        return files[1] if _ES_MODULE.search(code) else files[0]
    return files[0] if files else handler


def inline_problems(said: _Said, found: Found, lang: str, handler: str) -> Iterator[Finding]:
    """What can't stand together with code in the topology."""
    at = said.address("runtime", "code")
    if family(lang).name not in ("python", "ruby", "node"):
        message = f"code in {lang} can't be inline: it must be built"
        yield Finding("invalid-value", message, at, "put it into a directory", "key")
    elif nameless := _nameless(lang, handler, said):
        yield nameless
    if not said.runtime["code"].strip():
        yield Finding("empty", "there is no code", at, at="key")
    handlers = [name for name in found.markers if name not in FUNCTION_FILES]
    if handlers:
        message = f"the code is here and in {found.dir.name}/{handlers[0]}"
        yield Finding("both", message, at, "keep one of them", "key")
    if said.tasks.get("build") or any((said.build.command, said.build.pre, said.build.post)):
        message = "inline code isn't built: no command can run for it"
        yield Finding(
            "both", message, at, "take `build` out, or put the code into a directory", "key"
        )
