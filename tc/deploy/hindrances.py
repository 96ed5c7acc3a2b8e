"""What would stop a plan in its middle is told before the first write."""

from __future__ import annotations

from tc.components import kinds
from tc.components.protocol import Aws
from tc.errors import TcError
from tc.plan.resource import Plan


def refuse_hindered(plan: Plan, aws: Aws) -> None:
    """Raises TcError when something on AWS that isn't tc's own would stop a step."""
    tellers = [component.TRAITS.hindrances for component in kinds()]
    found = [error for tell in tellers if tell for error in tell(aws, plan)]
    if len(found) > 1:
        lines = [f"{error.message} ({error.hint})" for error in found]
        raise TcError("this can't be done:\n  " + "\n  ".join(lines), code=found[0].code)
    if found:
        raise found[0]
