"""vars/FN.json, roles/FN.json and roles/KIND.NAME.json: what operations add."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from tc.load.reader import Reader, kind_of
from tc.load.scalars import as_text, plain
from tc.load.suggest import did_you_mean
from tc.load.text import is_file
from tc.load.validate import validate
from tc.spec.base import Strict
from tc.spec.fetched import has_template, is_reference, mistake, reference, rooted
from tc.spec.finding import Address, Finding
from tc.spec.function import Function, Located, VarsEntry
from tc.spec.spec import WrittenPolicy


class _Policy(Strict):
    """IAM's own spelling, and no other."""

    model_config = ConfigDict(populate_by_name=False)


class PolicyStatement(_Policy):
    sid: str | None = Field(None, alias="Sid")
    effect: Literal["Allow", "Deny"] = Field(alias="Effect")
    action: str | list[str] | None = Field(None, alias="Action")
    not_action: str | list[str] | None = Field(None, alias="NotAction")
    resource: str | list[str] | None = Field(None, alias="Resource")
    not_resource: str | list[str] | None = Field(None, alias="NotResource")
    condition: dict[str, dict[str, Any]] | None = Field(None, alias="Condition")

    @model_validator(mode="after")
    def _is_whole(self) -> PolicyStatement:
        for one, other, names in (
            (self.action, self.not_action, "`Action` or `NotAction`"),
            (self.resource, self.not_resource, "`Resource` or `NotResource`"),
        ):
            if (one is None) == (other is None):
                raise ValueError(f"a statement has either {names}")
        return self


class PolicyDocument(_Policy):
    """An IAM policy (docs.aws.amazon.com/IAM, "Grammar of the IAM JSON policy language")."""

    version: Literal["2012-10-17", "2008-10-17"] | None = Field(None, alias="Version")
    id: str | None = Field(None, alias="Id")
    statement: PolicyStatement | list[PolicyStatement] = Field(alias="Statement")
    inherit: bool = True


def with_overlays(
    base: Path | None, known: Iterable[str], functions: Mapping[str, Function], reader: Reader
) -> dict[str, Function]:
    """`functions` with their overlays: those in `base` (`vars/`, `roles/`), or the files that
    they name themselves. `known` are the names of all functions, usable or not.

    A file that belongs to no function is a warning: it was meant for one.
    """
    files: dict[str, dict[str, Path]] = {"vars": {}, "roles": {}}
    others: list[Path] = []
    for kind, usual in files.items() if base else ():
        assert base
        usual.update(_usual(base / kind, set(known), others, reader))
    made = {
        name: _with_overlays(
            function,
            _file(function.vars_file, files["vars"].get(name), reader),
            _file(function.role_file, files["roles"].get(name), reader),
            reader,
        )
        for name, function in functions.items()
    }
    used = set(_used(made.values()))
    _tell_unused([file for file in others if file not in used], set(known), reader)
    return made


def read_policies(base: Path, reader: Reader) -> dict[str, WrittenPolicy]:
    """roles/KIND.NAME.json in `base`: policies of what is no function, by KIND.NAME."""
    found = {}
    for file in sorted((base / "roles").glob("[!.]*.*.json")):
        policy = _policy(file, reader) if reader.inside(file) else None
        if policy is not None:
            found[file.stem] = WrittenPolicy(policy, Address(file))
    return found


def _with_overlays(
    function: Function, vars_file: Path | None, policy: Path | None, reader: Reader
) -> Function:
    if function.is_library:
        for file in (one for one in (vars_file, policy) if one):
            message = f"`{function.name}` is no function: `{file.name}` is not read"
            hint = f"it is built as a {function.build_kind}; take the file out"
            finding = Finding("unused-file", message, Address(file), hint, severity="warning")
            reader.findings.append(finding)
        return function
    return replace(
        function,
        vars=(_vars(vars_file, reader) or {}) if vars_file else {},
        vars_address=Address(vars_file) if vars_file else None,
        policy=_policy(policy, reader) if policy else None,
    )


def _used(functions: Iterable[Function]) -> Iterator[Path]:
    """The files that functions and their variables name."""
    for function in functions:
        yield from (one.path for one in (function.vars_file, function.role_file) if one)
        said = [entry.get("environment", {}) for entry in function.vars.values()]
        for value in chain(function.environment.values(), *(one.values() for one in said)):
            found = reference(value)
            if found and found.scheme == "file":
                yield Path(os.path.normpath(Path(found.root) / found.name))


def _file(named: Located | None, usual: Path | None, reader: Reader) -> Path | None:
    """The file that the function names, else the one in its usual place."""
    if named is None:
        return usual
    if not reader.inside(named.path):
        code, message = "outside-project", f"`{named.path.name}` is outside the project"
        hint = f"the project is {reader.root}"
    elif not is_file(named.path):
        code, message = "missing-file", f"there is no file `{named.path.name}` there"
        hint = f"looked for {named.path}"
    else:
        return named.path
    reader.findings.append(Finding(code, message, named.address, hint))
    return None


def variables(environment: Any, address: Address, reader: Reader) -> Any:
    """`environment`, which stands at `address`: numbers and truth values as they were written,
    files named from the project's root. A finding for each value that says badly where it
    stands."""
    if not isinstance(environment, Mapping):
        return environment
    return {
        name: _placed(value, address / name, reader) if is_reference(value) else value
        for name, value in texts(environment).items()
    }


def _placed(value: str, address: Address, reader: Reader) -> str:
    hint = mistake(value)
    if hint:
        message = "this doesn't say where the value stands"
        reader.findings.append(Finding("invalid-value", message, address, hint))
        return value
    if not value.startswith("file:"):
        return value
    value = rooted(value, address.file.parent.resolve(), reader.root)
    found = reference(value)
    if found and not has_template(value) and not reader.inside(reader.root / found.name):
        message = f"`{found.name}` is outside the project"
        hint = f"the project is {reader.root}"
        reader.findings.append(Finding("outside-project", message, address, hint))
    return value


def texts(values: Any) -> Any:
    """A mapping's numbers and truth values as they were written: variables and tags are text."""
    if not isinstance(values, Mapping):
        return values
    return {key: as_text(value) for key, value in values.items()}


def check_tags(tags: Any, address: Address) -> list[Finding]:
    """A finding for each tag of the mapping at `address` whose name is not the user's to take."""
    return [
        Finding(
            "invalid-value",
            f"tag `{key}` is reserved, as all that start with `aws:` or `tc:`",
            address / key,
            "give it another name",
            "key",
        )
        for key in (tags if isinstance(tags, Mapping) else ())
        if str(key).lower().startswith(("aws:", "tc:"))
    ]


def _usual(
    directory: Path, known: set[str], others: list[Path], reader: Reader
) -> Iterator[tuple[str, Path]]:
    """The functions that have a file in `directory`; all other files go to `others`."""
    try:
        files = sorted(path for path in directory.iterdir() if not path.name.startswith("."))
    except (OSError, ValueError):
        return
    for file in files:
        if not reader.inside(file):
            message = "is outside the project, behind a link"
            reader.findings.append(Finding("outside-project", message, Address(file)))
        elif file.suffix == ".json" and file.stem in known:
            yield file.stem, file
        elif not (file.suffix == ".json" and "." in file.stem and directory.name == "roles"):
            others.append(file)


def _tell_unused(files: Iterable[Path], known: set[str], reader: Reader) -> None:
    for file in files:
        message = f"belongs to no function: `{file.name}` is not read"
        close = did_you_mean(file.stem, known) if file.suffix == ".json" else ""
        hint = close or f"name it FUNCTION.json; the functions are {', '.join(sorted(known))}"
        finding = Finding("unused-file", message, Address(file), hint, severity="warning")
        reader.findings.append(finding)


def _vars(file: Path, reader: Reader) -> Mapping[str, Mapping[str, Any]] | None:
    data = reader.read_mapping(file, "a vars file", in_vars=True)
    if data is None:
        return None
    found: dict[str, Mapping[str, Any]] = {}
    for name, values in data.items():
        address = Address(file) / name
        if name.startswith("x-"):
            continue
        if not isinstance(values, dict):
            message = f"`{name}` must be a mapping of one env or sandbox, not {kind_of(values)}"
            hint = "put it below `default`"
            reader.findings.append(Finding("wrong-type", message, address, hint, "key"))
            continue
        found[name] = _vars_entry(values, address, reader)
    return found


def _vars_entry(values: dict[str, Any], address: Address, reader: Reader) -> Mapping[str, Any]:
    values = {key: texts(value) if key == "tags" else value for key, value in values.items()}
    if "environment" in values:
        at = address / "environment"
        values["environment"] = variables(values["environment"], at, reader)
    reader.findings += check_tags(values.get("tags"), address / "tags")
    checked = validate(VarsEntry, values, address, "vars")
    reader.findings += checked.findings
    model = checked.model
    if model is None:
        return {}
    said = model.model_dump(exclude_unset=True, exclude_none=True)
    return {key: value for key, value in said.items() if value != {}}


def _policy(file: Path, reader: Reader) -> Mapping[str, Any] | None:
    data = reader.read_mapping(file, "a policy document")
    if data is None:
        return None
    checked = validate(PolicyDocument, data, Address(file), "policies")
    reader.findings += checked.findings
    return None if checked.findings else plain(data)
