"""Where a topology goes and who owns what is made there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import field
from typing import Any

from tc.records import dataclass
from tc.spec.names import shorten

#: the names a template may use, in every value of a topology
TEMPLATE_NAMES = (
    "namespace",
    "sandbox",
    "env",
    "account",
    "region",
    "partition",
    "version",
    "repo",
)
#: the tag that says whose a thing is
OWNER_TAG = "tc:functor"
#: the tag of a function whose sandbox is frozen (see `tc.deploy.frozen`)
FROZEN_TAG = "tc:frozen"
#: tags for people; written together with another change, never a difference by themselves
PEOPLE_TAGS = frozenset(
    {
        "namespace",
        "sandbox",
        "version",
        "deployer",
        "tc_version",
        "updated_by",
        "tc:alias",
        "tc:code",
        FROZEN_TAG,
    }
)

#: JSONata (``{% … %}``, left alone), the escape ``{{{{``, or a template
_TEMPLATE = re.compile(r"\{%.*?%\}|\{\{\{\{|\{\{\s*([^{}]*?)\s*\}\}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Store:
    """The file system that assets of an env are on, as config.yml says: ARN or id of the access
    point, where functions see it, what of a VPC reaches it. Empty where nothing is said."""

    access_point: str = ""
    mount_point: str = "/mnt/assets"
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Scope:
    """One deployed copy of one topology: its names and ARNs derive from this.

    Without a sandbox or an account (``tc compose``, ``tc validate``) the fields
    hold their own templates (``{{sandbox}}``), so what is printed reads like
    what the user would write. What is `stable` goes live by versions and aliases, and keeps
    `keep` published versions of each function and flow.
    """

    namespace: str
    sandbox: str = "{{sandbox}}"
    env: str = "{{env}}"
    account: str = "{{account}}"
    region: str = "{{region}}"
    partition: str = "aws"
    version: str = "0.0.1"
    repo: str = ""
    local: bool = False
    stable: bool = False
    keep: int = 5
    tags: Mapping[str, str] = field(default_factory=dict)
    updated_by: str = ""
    tc_version: str = ""
    role_prefix: str = ""
    role_boundary: str = ""
    store: Store = Store()

    @property
    def owner(self) -> str:
        """The value of the owner's mark, tag ``tc:functor``."""
        return f"{self.namespace}@{self.sandbox}"

    @property
    def functor(self) -> str:
        return f"{self.namespace}@{self.sandbox}.{self.env}/{self.version}"

    @property
    def marks(self) -> dict[str, str]:
        """The tags of a new thing: the owner's mark, what people read, the user's own."""
        people = {
            "namespace": self.namespace,
            "sandbox": self.sandbox,
            "version": self.version,
            "deployer": "tc",
            "tc_version": self.tc_version,
            "updated_by": self.updated_by,
        }
        return {**self.tags, **people, OWNER_TAG: self.owner}

    @property
    def event_mark(self) -> str:
        """What the sandbox's own events carry in ``resources``."""
        return f"tc:sandbox:{self.sandbox}"

    @property
    def role_path(self) -> str:
        """The IAM path of the sandbox's roles, below the prefix of config.yml (``/team``)."""
        return f"{self.role_prefix}/tc/{self.region}/{self.namespace}/{self.sandbox}/"

    def arn(self, service: str, resource: str) -> str:
        return f"arn:{self.partition}:{service}:{self.region}:{self.account}:{resource}"

    def name(self, *parts: str, limit: int, joiner: str = "_") -> str:
        """`parts` joined, cut to `limit` characters with a hash when longer."""
        return shorten(joiner.join(parts), limit)

    def fill(self, value: Any) -> Any:
        """`value` with every template in its strings filled, keys untouched."""
        if isinstance(value, str):
            return self._fill_text(value) if "{{" in value else value
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        if isinstance(value, Mapping):
            return {key: self.fill(item) for key, item in value.items()}
        return value

    def _fill_text(self, text: str) -> str:
        def replace(match: re.Match[str]) -> str:
            name = match.group(1)
            if name is None:
                return match.group(0) if match.group(0).startswith("{%") else "{{"
            return str(getattr(self, name)) if name in TEMPLATE_NAMES else match.group(0)

        return _TEMPLATE.sub(replace, text)


_DNS_SUFFIXES = {
    "aws-cn": "amazonaws.com.cn",
    "aws-eusc": "amazonaws.eu",
    "aws-iso": "c2s.ic.gov",
    "aws-iso-b": "sc2s.sgov.gov",
    "aws-iso-e": "cloud.adc-e.uk",
    "aws-iso-f": "csp.hci.ic.gov",
}


def dns_suffix(partition: str) -> str:
    """How the host names of AWS's services end (botocore's ``partitions.json``)."""
    return _DNS_SUFFIXES.get(partition, "amazonaws.com")


def own_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """The user's own tags among those of a live thing."""
    return {
        key: value
        for key, value in tags.items()
        if key != OWNER_TAG and key not in PEOPLE_TAGS and not key.startswith("aws:")
    }


def unknown_templates(text: str) -> list[str]:
    """The names in `text`'s templates that tc does not fill."""
    return [
        match.group(1)
        for match in _TEMPLATE.finditer(text)
        if match.group(1) is not None and match.group(1) not in TEMPLATE_NAMES
    ]
