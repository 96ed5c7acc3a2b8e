"""Old versions of layers: the newest are kept, and whatever something uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import cached_property

from tc.components.protocol import Aws
from tc.publish.versions import Version, every, service


class _Used:
    """The layer versions that functions of the account and region have, published versions of
    functions too, which a rollback may return to; asked once, and only when it matters."""

    def __init__(self, aws: Aws, region: str):
        self._aws = aws
        self._region = region

    @cached_property
    def arns(self) -> frozenset[str]:
        functions = self._aws.pages(
            service(self._aws, self._region), "list_functions", "Functions", FunctionVersion="ALL"
        )
        return frozenset(
            layer["Arn"] for function in functions for layer in function.get("Layers") or ()
        )


def prune(
    aws: Aws,
    names: Iterable[str],
    region: str,
    keep: int,
    pins: Collection[str] = (),
) -> list[Version]:
    """Deletes versions of the layers `names` (those of parts) but of each the newest `keep`, what
    a function has, and the ARNs `pins`; only what has the mark. Those that went.

    Functions of other accounts that have a deleted version go on with it ("Deleting a layer
    version", AWS Lambda developer guide).
    """
    used = _Used(aws, region)
    gone = []
    for name in names:
        old = [version for version in list(every(aws, name, region))[keep:] if version.mark]
        for version in old:
            if version.arn in pins or version.arn in used.arns:
                continue
            aws.call(
                service(aws, region),
                "delete_layer_version",
                LayerName=name,
                VersionNumber=version.number,
            )
            gone.append(version)
    return gone
