"""The schema that mutations mean, and what GraphQL would refuse of it."""

from __future__ import annotations

from typing import Any

import pytest
from composing import Directory

from tc.components.mutation_api import described
from tc.compose import graphql

TEXT = """
name: runs
functions: {start: {}}
events: {Finished: {producer: app, mutation: finish}}
mutations:
  types:
    Step: {name: String!}
    Run: {id: ID!, tags: '[String!]', steps: '[Step!]!', createdAt: String}
    Note: {id: ID!}
  inputs:
    RunInput: {id: ID!}
  resolvers:
    start: {function: start, input: RunInput, output: Run!, subscribe: true}
    finish: {input: EventData, output: Run}
    note: {input: EventDataJSON, output: Note}
"""
SDL = """\
type Query {
  getRun(id: ID!): Run
  getNote(id: ID!): Note
}

type Mutation {
  start(input: RunInput!): Run!
  finish(input: FinishEventData!): Run @aws_api_key @aws_iam
  note(input: EventDataJSON!): Note
}

type Subscription {
  subscribeStart: Run @aws_subscribe(mutations: ["start"])
}

type Step @aws_api_key @aws_iam {
  name: String!
  createdAt: AWSDateTime
  updatedAt: AWSDateTime
}

type Run @aws_api_key @aws_iam {
  id: ID!
  tags: [String!]
  steps: [Step!]!
  createdAt: String
  updatedAt: AWSDateTime
}

type Note {
  id: ID!
  createdAt: AWSDateTime
  updatedAt: AWSDateTime
}

input RunInput {
  id: ID!
}

input FinishEventData {
  id: ID
  tags: [String!]
  createdAt: String
}

input EventDataJSON {
  data: AWSJSON!
  metadata: EventMetadata
}

input EventMetadata {
  id: ID
  source: String
  type: String
  time: AWSDateTime
}
"""


def test_a_topology_means_one_schema(directory: Directory) -> None:
    api = described(directory.write(TEXT, "start").topology())
    assert graphql.text(graphql.schema(api)) == SDL


def test_a_schema_is_the_same_however_it_is_laid_out() -> None:
    made = graphql.parse(SDL)
    assert graphql.text(made) == SDL
    other = (
        SDL.replace("\n  ", "\n\t# a note: with {braces}\n        ")
        .replace("@aws_api_key @aws_iam", "@aws_iam   @aws_api_key")
        .replace("(input: RunInput!)", "( input : RunInput! )")
        .replace("type Note {", '"""\nWhat { a: note } is\n"""\ntype Note{')
        .replace(": ID!", " : ID!")
    )
    assert graphql.parse(f"schema {{\n  query: Query\n}}\nscalar AWSJSON\n{other}") == made
    assert graphql.parse(SDL.replace("tags: [String!]", "tags: [String]", 1)) != made


def test_a_rule_asks_for_every_field_and_hands_over_what_the_input_says(
    directory: Directory,
) -> None:
    api = described(directory.write(TEXT, "start").topology())
    assert graphql.operation(api, "finish") == (
        "mutation Finish($input: FinishEventData!) { finish(input: $input) "
        "{ id tags steps { name createdAt updatedAt } createdAt updatedAt } }"
    )
    assert graphql.variables(api, "finish") == (
        {"input": "$.detail.data"},
        '{"input": <input>}',
    )
    assert graphql.variables(api, "note") == ({"input": "$.detail"}, '{"input": <input>}')


def test_types_that_hold_themselves_end(directory: Directory) -> None:
    text = TEXT.replace("Step: {name: String!}", "Step: {name: String!, run: Run, up: Step}")
    api = described(directory.write(text, "start").topology())
    assert "steps { name createdAt updatedAt }" in graphql.operation(api, "finish")


RUN = "Run: {id: ID!, tags: '[String!]', steps: '[Step!]!', createdAt: String}"
BAD: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("id: ID!, tags", "id: Id!, tags", [("types.Run.id", "there is no type `Id`")]),
    ("'[String!]'", "'[String!'", [("types.Run.tags", "`[String!` is no GraphQL type")]),
    ("Note: {", "2nd: {", [("types.2nd", "is no GraphQL name")]),
    ("Note: {", "Query: {", [("types.Query", "GraphQL's own")]),
    ("name: String!", "na-me: String!", [("types.Step.na-me", "is no GraphQL name")]),
    (
        "output: Note",
        "output: RunInput",
        [("resolvers.note.output", "`RunInput` is an input, which can't be given back")],
    ),
    ("RunInput: {id: ID!}", "RunInput: {id: Run}", [("inputs.RunInput.id", "is no input")]),
    ("input: RunInput", "input: Runs", [("resolvers.start.input", "there is no input `Runs`")]),
    ("RunInput: {id: ID!}", "RunInput: {}", [("inputs.RunInput", "has no fields")]),
    ("note: {input", "no-te: {input", [("resolvers.no-te", "is no GraphQL name")]),
]


@pytest.mark.parametrize(("old", "new", "said"), BAD)
def test_what_graphql_refuses_is_told_at_its_place(
    directory: Directory, old: str, new: str, said: list[tuple[str, str]]
) -> None:
    assert TEXT.count(old) >= 1
    found = directory.write(TEXT.replace(old, new), "start").findings()
    told = {".".join(map(str, f.address.path)).partition("mutations.")[2]: f for f in found}
    for where, words in said:
        assert told[where].code == "bad-schema"
        assert words in told[where].message


MORE: list[tuple[str, str, str]] = [
    ("function: start, input", "function: start, event: Finished, input", "both"),
    ("mutations:\n", "mutations:\n  authorizer: nobody\n", "unknown-name"),
    ("function: start, input", "table: items, input", "unknown-name"),
    ("functions: {start: {}}", "functions: {start: {event: Finished}}", "bad-target"),
    ("note: {input: EventDataJSON", "note: {event: Finished", "missing-key"),
]


@pytest.mark.parametrize(("old", "new", "code"), MORE)
def test_what_appsync_refuses_is_told(directory: Directory, old: str, new: str, code: str) -> None:
    found: list[Any] = directory.write(TEXT.replace(old, new, 1), "start").findings()
    assert code in [finding.code for finding in found]


def test_what_is_put_into_a_table_has_its_key(directory: Directory) -> None:
    text = TEXT.replace("function: start, input", "table: items, input")
    text += "tables: {items: {key: number}}\n"
    (finding,) = directory.write(text, "start").findings()
    assert finding.message == ("the input of `start` lacks `number`, the key of the table `items`")
