"""What has to be looked up before the desired things are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from tc.records import dataclass
from tc.spec.artifact import Artifact
from tc.spec.fetched import Secret
from tc.spec.site import Site


@dataclass(frozen=True, slots=True)
class Facts:
    """Packages, layer version ARNs and addresses of images that tc builds, each by function name
    on AWS; fetched values by the reference that stands in the environment, pages by their keys.

    A function without a package here is planned without its code, one without layers without
    these, one with a value that isn't here without its environment, a page without its files.
    `bucket` is where large packages will be.
    """

    artifacts: Mapping[str, Artifact] = field(default_factory=dict)
    layers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    values: Mapping[str, Secret] = field(default_factory=dict)
    sites: Mapping[str, Site] = field(default_factory=dict)
    bucket: str = ""
    images: Mapping[str, str] = field(default_factory=dict)
