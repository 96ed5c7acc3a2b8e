"""Published versions of the functions that are called by their alias.

A version never changes: the one that equals what should be is taken, whichever deploy it is
of, and a new one is published only when none does. Of a package that isn't stored, and of an
image, Lambda's sum says little; the version's description remembers what they were made of.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tc.components import defaults
from tc.components.function_settings import (
    CODE_TAG,
    desired_settings,
    live_settings,
    wait_until_ready,
)
from tc.components.protocol import Aws, Outputs, Traits
from tc.errors import AwsError
from tc.plan.resource import Actual, Joined, Ref, Resource
from tc.spec.artifact import Artifact
from tc.spec.base import Strict
from tc.spec.facts import Facts
from tc.spec.topology import Topology

KIND = "version"
PLURAL = "versions"
SECTION: tuple[str, type[Strict]] | None = None
ASPECTS: Mapping[str, frozenset[str]] = {}
REPLACE: frozenset[str] = frozenset()
TRAITS = Traits(switch="beside", told_by="function", used_by_others=True)
check = defaults.nothing_to_check
trace = defaults.nothing_to_trace
find = defaults.nothing_to_find
read = defaults.nothing_to_read
update = defaults.nothing_to_update
settle = defaults.ready_at_once

#: settings that differ without another version: a version's description is of its own
_OWN = frozenset({"description"})


def version_key(function: str) -> str:
    """The key in a plan of the version that should be called of `function`, a name on AWS."""
    return f"{KIND}/{function}"


def desired(topology: Topology, facts: Facts) -> Iterable[Resource]:
    scope = topology.scope
    for function in topology.functions.values():
        if not function.is_called_by_alias(scope):
            continue
        name = topology.function_name(function.name)
        settings = desired_settings(topology, function, facts)
        yield Resource(
            kind=KIND,
            key=version_key(name),
            name=name,
            title=name,
            owner=scope.owner,
            props={key: value for key, value in settings.items() if key not in _OWN},
            needs=(f"function/{name}",),
            selectors=frozenset({PLURAL, "functions", f"functions/{function.name}"}),
            parent=f"function/{name}",
            address=function.address,
            snapshot=True,
            payload={
                "function": name,
                "arn": scope.arn("lambda", f"function:{name}"),
                "artifact": facts.artifacts.get(name),
                "version": scope.version,
            },
        )


def read_live(aws: Aws, function: Actual, wanted: Resource | None, called: str) -> Iterator[Actual]:
    """The version of a live function that is as `wanted` says: the one `called` now where that
    is, else the newest that is; if none is, the one that is called, or the newest.

    What `wanted` says nothing of should be as it is in the unpublished function. `called` is
    a number, or empty. Where none is wanted, nothing is read: the props are empty.
    """
    if wanted is None:
        if called:
            yield _actual(function, called, {})
        return
    listed = list(
        aws.pages("lambda", "list_versions_by_function", "Versions", FunctionName=function.name)
    )
    artifact = wanted.payload["artifact"]
    live = {one["Version"]: _settings(one, wanted, artifact) for one in listed}
    unpublished = {key: function.props[key] for key in live.pop("$LATEST", {})}
    should = {**unpublished, **wanted.props}
    order = [called] * (called in live) + sorted(live, key=int, reverse=True)
    if not order:
        return
    fitting = (n for n in order if all(fits(v, live[n].get(k)) for k, v in should.items()))
    chosen = next(fitting, order[0])
    yield _actual(function, chosen, live[chosen])


def _actual(function: Actual, number: str, props: Mapping[str, Any]) -> Actual:
    return Actual(
        kind=KIND,
        key=version_key(function.name),
        name=function.name,
        title=function.name,
        owner=function.owner,
        props=props,
        outputs=_outputs(function.name, function.outputs["arn"], number),
        info={"version": number},
        parent=function.key,
    )


def _outputs(function: str, arn: str, number: str) -> dict[str, str]:
    return {"version": number, "arn": f"{arn}:{number}", "function": function}


def _settings(
    listed: Mapping[str, Any], wanted: Resource, artifact: Artifact | None
) -> dict[str, Any]:
    """The props of one of ListVersionsByFunction."""
    mark = str(listed.get("Description", "")).partition(" ")[2]
    tags = {CODE_TAG: f"{mark}:{listed.get('CodeSha256', '')}"} if mark else {}
    props = live_settings({"Configuration": listed}, tags, artifact)
    if props["package_type"] == "Image":
        uri = str(wanted.props.get("code", ""))
        props["code"] = uri if mark and mark == _image_mark(uri) else mark
    return {key: value for key, value in props.items() if key not in _OWN}


def _image_mark(uri: str) -> str:
    return hashlib.sha256(uri.encode()).hexdigest()[:16]


def _description(resource: Resource) -> str:
    """``0.1.4``, and of what can't be told by its sum the mark (Lambda: 256 characters)."""
    artifact: Artifact | None = resource.payload["artifact"]
    mark = ""
    if resource.props["package_type"] == "Image":
        mark = _image_mark(str(resource.props.get("code", "")))
    elif artifact and not artifact.stored:
        mark = artifact.digest
    return f"{resource.payload['version']} {mark}".rstrip()


def fits(wanted: Any, live: Any) -> bool:
    """Whether `live` may be what `wanted` will be: a value that isn't known yet is any text
    that begins and ends as it does."""
    if isinstance(wanted, Ref):
        text = str(live)
        return text.startswith(wanted.before) and text.endswith(wanted.after)
    if isinstance(wanted, Joined):
        return isinstance(live, str)
    if isinstance(wanted, Mapping) and isinstance(live, Mapping):
        return wanted.keys() == live.keys() and all(fits(v, live[k]) for k, v in wanted.items())
    if isinstance(wanted, list) and isinstance(live, list):
        return len(wanted) == len(live) and all(map(fits, wanted, live))
    return bool(wanted == live)


def create(aws: Aws, resource: Resource, children: Sequence[Resource]) -> Outputs:
    """Publishes what the function is now, and waits until that version can be called:
    SnapStart takes its time. Raises TcError with Lambda's reason when it never can."""
    function = resource.payload["function"]
    wait_until_ready(aws, function)
    made = aws.insist(
        f"function {function}",
        lambda: aws.call(
            "lambda",
            "publish_version",
            FunctionName=function,
            Description=_description(resource),
        ),
    )
    number = str(made["Version"])
    wait_until_ready(aws, function, number)
    return _outputs(function, resource.payload["arn"], number)


def delete(aws: Aws, actual: Actual) -> None:
    """Takes every published version from a function that stays; one that somebody's alias
    names stays."""
    function = actual.outputs["function"]
    with defaults.if_there():
        drop(aws, function, published(aws, function))


def published(aws: Aws, function: str) -> list[int]:
    """The numbers of the published versions, oldest first."""
    listed = aws.pages("lambda", "list_versions_by_function", "Versions", FunctionName=function)
    return sorted(int(one["Version"]) for one in listed if one["Version"].isdecimal())


def drop(aws: Aws, function: str, numbers: Iterable[int]) -> int:
    """Deletes those versions that no alias names; how many went."""
    gone = 0
    for number in numbers:
        try:
            aws.call("lambda", "delete_function", FunctionName=function, Qualifier=str(number))
            gone += 1
        except AwsError as error:
            if not (error.missing or error.aws_code == "ResourceConflictException"):
                raise
    return gone
