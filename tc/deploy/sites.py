"""Pages before the plan: their files, the values in their templates, their certificates."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from tc.components.page import page_key
from tc.components.page_model import deployed, domain, place, source
from tc.components.page_values import NAMES, value_of, with_keys
from tc.components.protocol import Aws, Outputs
from tc.errors import TcError
from tc.plan.changes import resolve
from tc.plan.resource import Resource, refs
from tc.plan.select import Selection
from tc.spec.site import Site, SiteSource
from tc.spec.topology import Entry, Topology

Sites = Mapping[str, Site]
#: reads a page's directory, and knows how to build it
ReadSite = Callable[[SiteSource], Site]

#: CloudFront takes certificates of this region only
_CERTIFICATES = "acm@us-east-1"


def read_sites(
    topology: Topology,
    bare: Sequence[Resource],
    selection: Selection,
    read: ReadSite,
    aws: Aws,
) -> Sites:
    """The selected pages by their keys, not built yet.

    Raises TcError where a file isn't there, a template has a name that stands for
    nothing, or a domain has no certificate.
    """
    chosen = {r.key for r in bare if r.kind == "page" and selection.selects(r)}
    found: dict[str, Site] = {}
    for part, entry in _pages(topology):
        key = page_key(place(part, entry))
        if key in chosen:
            site = read(source(part, entry))
            _check_names(part, entry, site)
            found[key] = site
    hosts = {
        page_key(place(part, entry)): domain(part, entry)
        for part, entry in _pages(topology)
        if domain(part, entry)
    }
    wanted = {key: host for key, host in hosts.items() if key in found}
    certificates = _certificates(aws, wanted) if wanted else {}
    return {
        key: replace(site, certificate=certificates.get(key, "")) for key, site in found.items()
    }


def _pages(topology: Topology) -> Iterator[tuple[Topology, Entry]]:
    for part in topology.family():
        for entry in deployed(part):
            yield part, entry


def _check_names(topology: Topology, entry: Entry, site: Site) -> None:
    unknown = [name for name in site.names if value_of(topology, name) is None]
    if unknown:
        raise TcError(
            f"{', '.join(f'`{name}`' for name in unknown)} "
            "stands for nothing that the topology has",
            code="unknown-template",
            where=f"page {entry.name}",
            hint=f"there are: {', '.join(NAMES)}, those of topology.yml, and addresses "
            "such as `pools.users.client_id`",
        )


def build_sites(
    topology: Topology, sites: Sites, outputs: Mapping[str, Outputs], aws: Aws
) -> Sites:
    """The sites with their files, where all that their templates name is known."""
    return {
        page_key(where): _built(part, sites[page_key(where)], outputs, aws)
        for part, entry in _pages(topology)
        for where in [place(part, entry)]
        if page_key(where) in sites
    }


def _built(topology: Topology, site: Site, outputs: Mapping[str, Outputs], aws: Aws) -> Site:
    values = resolve({name: value_of(topology, name) for name in site.names}, outputs)
    if refs(dict(values)):
        return site
    told = {name: str(text) for name, text in values.items()}
    known = with_keys(aws, topology.scope.owner, told)
    return site if known is None else replace(site, files=site.build(known))


def _certificates(aws: Aws, hosts: Mapping[str, str]) -> dict[str, str]:
    """The ARN of an issued certificate for each host, by the page's key."""
    listed = list(
        aws.pages(
            _CERTIFICATES,
            "list_certificates",
            "CertificateSummaryList",
            CertificateStatuses=["ISSUED"],
        )
    )
    found: dict[str, str] = {}
    for key, host in hosts.items():
        fitting = [one["CertificateArn"] for one in listed if _covers(one, host)]
        if not fitting:
            raise TcError(
                f"there is no issued certificate for {host} in us-east-1",
                code="no-certificate",
                where=f"page {key.partition('/')[2]}",
                hint=f"aws acm request-certificate --region us-east-1 --domain-name {host} "
                "--validation-method DNS",
            )
        found[key] = fitting[0]
    return found


def _covers(certificate: Mapping[str, object], host: str) -> bool:
    names = certificate.get("SubjectAlternativeNameSummaries") or []
    assert isinstance(names, list)
    wild = f"*.{host.partition('.')[2]}"
    return bool({host, wild} & {str(certificate.get("DomainName")), *names})
