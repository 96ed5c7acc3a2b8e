"""vars/FN.json and roles/FN.json, filled with what is inferred.

They say what holds without them, so that adding them changes nothing in a plan.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tc.scaffold.files import File
from tc.scaffold.function import as_json
from tc.spec.function import Function
from tc.spec.scope import Scope
from tc.spec.spec import Spec
from tc.spec.topology import Topology

Compose = Callable[[Spec, Scope], Topology]

#: a path in a value is seen from the file it stands in, so it can't be moved to another
_RELATIVE = "file:"
#: sandboxes that names are tried with: a long name on AWS ends in a hash
_PROBES = ("s", "a-sandbox-of-a-long-name")


def overlay_files(spec: Spec, scope: Scope, compose: Compose) -> Iterator[File]:
    """Both files of each function of `spec` and of what is nested in it, in the places where
    they are read; one whose role isn't tc's has no roles file.

    `scope` has its own templates for what depends on the place, so the files do too.
    """
    topologies = _by_name(compose(spec, replace(scope, partition="{{partition}}")))
    probes = [
        _by_name(compose(spec, replace(scope, partition="{{partition}}", sandbox=sandbox)))
        for sandbox in _PROBES
    ]
    for part in spec.family():
        topology = topologies[part.name]
        same = [probe[part.name] for probe in probes]
        assert part.infra is not None, "a topology without problems has a place for overlays"
        for name, function in part.functions.items():
            own = function.vars_file
            path = own.path if own else part.infra / "vars" / f"{name}.json"
            yield File(path, as_json(vars_document(function, topology.functions[name].timeout)))
            if any(role.entity == ("function", name) for role in topology.roles):
                own = function.role_file
                path = own.path if own else part.infra / "roles" / f"{name}.json"
                yield File(path, as_json(role_document(topology, same, name)))


def vars_document(function: Function, timeout: int | None) -> dict[str, Any]:
    """The vars of `function` as it is without them; `timeout` is the composed one."""
    environment = {
        key: value
        for key, value in function.environment.items()
        if isinstance(value, str) and not value.startswith(_RELATIVE)
    }
    return {
        "default": {
            "memory_size": function.memory,
            "timeout": timeout,
            "environment": environment,
        }
    }


def role_document(topology: Topology, probes: list[Topology], name: str) -> dict[str, Any]:
    """The statements that the edges of the function `name` give it.

    Left out is what templates can't say: values that only AWS knows, and names that
    are cut in some sandboxes.
    """
    kept = [
        document
        for document in _statements(topology, name)
        if all(probe.scope.fill(document) in _statements(probe, name) for probe in probes)
    ]
    return {"Version": "2012-10-17", "Statement": kept}


def _by_name(topology: Topology) -> dict[str, Topology]:
    return {part.name: part for part in topology.family()}


def _statements(topology: Topology, name: str) -> list[dict[str, Any]]:
    return [
        document
        for role in topology.roles
        if role.entity == ("function", name)
        for statement in role.statements
        if _is_plain(document := statement.document())
    ]


def _is_plain(document: dict[str, Any]) -> bool:
    try:
        json.dumps(document)
    except TypeError:
        return False
    return True
