"""Who may use a published layer: named accounts, or one organisation; never the world."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tc.components.protocol import Aws
from tc.errors import AwsError
from tc.publish.versions import Version, service

#: statements of a layer's policy that tc wrote begin so
_OURS = "tc-"


def share_with(aws: Aws, version: Version, region: str, share: Sequence[str]) -> None:
    """Makes the statements of `version` that are tc's those for `share`; one read, and no write
    when they are right."""
    lambda_ = service(aws, region)
    about = {"LayerName": version.name, "VersionNumber": version.number}
    wanted = {f"{_OURS}{who}": who for who in share if who != aws.account}
    there = _statements(aws, lambda_, version)
    for sid in sorted(there - wanted.keys()):
        aws.call(lambda_, "remove_layer_version_permission", StatementId=sid, **about)
    for sid in sorted(wanted.keys() - there):
        who = wanted[sid]
        # an organisation is said as anybody who is in it
        whom = {"Principal": "*", "OrganizationId": who} if who[:2] == "o-" else {"Principal": who}
        try:
            aws.call(
                lambda_,
                "add_layer_version_permission",
                StatementId=sid,
                Action="lambda:GetLayerVersion",
                **about,
                **whom,
            )
        except AwsError as error:
            # an answer was lost, or somebody else was faster
            if not error.exists:
                raise


def _statements(aws: Aws, lambda_: str, version: Version) -> set[str]:
    """The ids of those that are tc's."""
    try:
        answer = aws.call(
            lambda_,
            "get_layer_version_policy",
            LayerName=version.name,
            VersionNumber=version.number,
        )
    except AwsError as error:
        if error.missing:
            return set()
        raise
    statements = json.loads(answer["Policy"]).get("Statement", [])
    return {sid for one in statements if (sid := one.get("Sid", "")).startswith(_OURS)}
