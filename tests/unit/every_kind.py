"""One topology with every kind of thing, its entities named as a test likes."""

from __future__ import annotations

from collections.abc import Iterable

from tc.components import kinds
from tc.plan.resource import Resource

#: files that the topology names, besides its functions' handlers
FILES: dict[str, str] = {"site/index.html": "<p>hello"}

_SECTIONS = """
functions:
  {a}: {{function: {b}}}
  {c}: {{runtime: {{lang: python3.13, snapstart: true}}}}
routes:
  /own: {{function: {c}}}
  /shared: {{gateway: api-test, function: {c}, authorizer: {a}}}
events:
  {a}: {{function: {c}}}
  {b}: {{bus: orders, function: {c}}}
  {c}: {{channel: news}}
flow: {{StartAt: s, States: {{s: {{Type: Succeed}}}}}}
queues:
  {a}: {{function: {c}}}
  {b}: {{fifo: true, dlq: true}}
buckets: {{{a}: {{}}}}
tables: {{{a}: {{key: id, function: {a}}}}}
streams: {{{a}: {{bucket: {a}}}}}
activities: {{{a}: {{}}}}
workgroups: {{{a}: {{output: s3://results/}}}}
jobs: {{{a}: {{script: s3://scripts/job.py}}}}
pools: {{{a}: {{}}}}
triggers: {{pre_sign_up: {{function: {c}}}}}
channels: {{news: {{function: {c}}}}}
mutations:
  types: {{Thing: {{id: ID!}}}}
  inputs: {{Given: {{id: ID!}}}}
  resolvers: {{put: {{function: {c}, input: Given, output: Thing}}}}
pages: {{site: {{}}}}
schedules: {{{a}: {{expression: rate(1 hour), function: {c}}}}}
"""


def text(namespace: str, names: tuple[str, str, str]) -> str:
    """topology.yml of the namespace; `names` are those of its functions, and the first
    also those of everything else."""
    a, b, c = (f"'{name}'" for name in names)
    return f"name: '{namespace}'\n" + _SECTIONS.format(a=a, b=b, c=c)


def lacking(resources: Iterable[Resource]) -> list[str]:
    """The kinds that `resources` have none of."""
    there = {resource.kind for resource in resources}
    return [component.KIND for component in kinds() if component.KIND not in there]
