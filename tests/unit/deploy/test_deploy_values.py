"""Values that stand elsewhere: fetched once each, never shown, missing before anything changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from composing import Directory
from deploying import create, failures, packages, plan, settled, work
from fake_aws import refused as refused_call
from fake_values import ValuesAws

from tc.cli.change import shown, step_data
from tc.deploy.pipeline import prepare, readable, resolved
from tc.errors import AwsError, TcError
from tc.events import Event, silent
from tc.spec.artifact import Artifact
from tc.spec.function import Function
from tc.spec.topology import Topology

LAYER = "arn:aws:lambda:eu-west-1:111122223333:layer:deps:3"


@pytest.fixture
def aws() -> ValuesAws:
    return ValuesAws()


def topology(directory: Directory, functions: dict[str, dict[str, Any]], **more: Any) -> Topology:
    """Functions with the given environments, which one of two sandboxes has."""
    files = more.pop("files", {})
    entries = {
        name: {"runtime": {"environment": values, **more}} for name, values in functions.items()
    }
    text = f"name: etl\nfunctions: {json.dumps(entries)}\n"
    return directory.write(text, " ".join(functions), files=files).topology()


def variables(aws: ValuesAws, name: str = "one") -> dict[str, str]:
    """What the deployed function finds in its environment."""
    live: dict[str, str] = aws.lambda_get_function(f"etl_{name}_bob")["Configuration"][
        "Environment"
    ]["Variables"]
    return {name: value for name, value in live.items() if name != "TC_EVENT_RESOURCE"}


def refused(aws: ValuesAws, made: Topology) -> TcError:
    """The error of a run that is refused before anything is written."""
    with pytest.raises(TcError) as told:
        create(aws, made)
    assert aws.writes() == []
    return told.value


def test_every_place_that_a_value_can_be_in(directory: Directory, aws: ValuesAws) -> None:
    aws.parameters = {"/dev/db": "postgres://db"}
    aws.secrets = {"api": '{"token": "t-1", "retries": 3}', "plain": "secret-1", "raw": b"bytes"}
    aws.objects = {"conf/bob.txt": b"from s3\r\n", "conf/empty": b""}
    made = topology(
        directory,
        {
            "one": {
                "SSM": "ssm:/{{env}}/db",
                "VERSION": "ssm:/dev/db:7",
                "SECRET": "secretsmanager:plain",
                "BINARY": "secretsmanager:raw",
                "ARN": "secretsmanager:arn:aws:secretsmanager:eu-west-1:111122223333:secret:plain",
                "TOKEN": "secretsmanager:api#token",
                "RETRIES": "secretsmanager:api#retries",
                "OBJECT": "s3://conf/{{sandbox}}.txt",
                "EMPTY": "s3://conf/empty",
                "FILE": "file:conf/level.txt",
                "TEXT": "as it is",
            }
        },
        files={"conf/level.txt": "debug\n"},
    )
    assert create(aws, made).ok
    assert variables(aws) == {
        "SSM": "postgres://db",
        "VERSION": "postgres://db7",
        "SECRET": "secret-1",
        "BINARY": "bytes",
        "ARN": "secret-1",
        "TOKEN": "t-1",
        "RETRIES": "3",
        "OBJECT": "from s3",
        "EMPTY": "",
        "FILE": "debug",
        "TEXT": "as it is",
    }
    settled(aws, made)


def test_a_file_is_looked_for_beside_the_file_that_names_it(
    directory: Directory, aws: ValuesAws
) -> None:
    overlay = {"default": {"environment": {"VARS": "file:../pem/a.pem", "ONE": "file:b"}}}
    made = topology(
        directory,
        {"one": {"TOP": "file:infrastructure/tc/etl/pem/a.pem"}},
        files={
            "infrastructure/tc/etl/vars/one.json": json.dumps(overlay),
            "infrastructure/tc/etl/vars/b": "beside the vars",
            "infrastructure/tc/etl/pem/a.pem": "pem",
            "one/function.json": '{"runtime": {"environment": {"OWN": "file:b", "ONE": "x"}}}',
            "one/b": "beside the function",
        },
    )
    create(aws, made)
    assert variables(aws) == {
        "TOP": "pem",
        "VARS": "pem",
        "ONE": "beside the vars",
        "OWN": "beside the function",
    }


def test_each_is_fetched_once_in_few_calls(directory: Directory, aws: ValuesAws) -> None:
    aws.parameters = {f"/p{n}": str(n) for n in range(21)}
    aws.secrets = {f"s{n}": f'{{"a": "{n}", "b": "{n}"}}' for n in range(21)}
    aws.objects = {"conf/a": b"a"}
    environment = {f"P{n}": f"ssm:/p{n}" for n in range(21)}
    environment |= {f"S{n}{key}": f"secretsmanager:s{n}#{key}" for n in range(21) for key in "ab"}
    environment |= {"O1": "s3://conf/a", "O2": "s3://conf/a"}
    create(aws, topology(directory, {"one": environment, "two": environment}))
    assert variables(aws, "two")["S20b"] == "20"
    called = aws.names()
    assert called["ssm.get_parameters"] == 3
    # a page of secrets and what it left over, then the rest
    assert called["secretsmanager.batch_get_secret_value"] == 3
    assert called["s3.get_object"] == 1


def test_every_missing_value_is_told_at_once_and_nothing_changes(
    directory: Directory, aws: ValuesAws
) -> None:
    aws.secrets = {"text": "no json", "api": '{"token": "t"}', "latin": "ü".encode("latin-1")}
    aws.secrets["closed"] = "x"
    aws.closed = {"closed"}
    aws.objects = {"conf/large": b"x" * 5000, "conf/nul": b"a\0b"}
    made = topology(
        directory,
        {
            "one": {
                "DB": "ssm:/dev/db",
                "AA": "secretsmanager:gone",
                "BB": "secretsmanager:text#key",
                "CC": "secretsmanager:api#key",
                "DD": "secretsmanager:latin",
                "EE": "secretsmanager:closed",
                "FF": "s3://conf/gone",
                "GG": "s3://other/gone",
                "HH": "s3://conf/large",
                "II": "s3://conf/nul",
                "JJ": "file:gone-{{sandbox}}",
                "KK": "file:../../{{sandbox}}",
            },
            "two": {"DB": "ssm:/dev/db"},
        },
    )
    error = refused(aws, made)
    assert error.code == "no-value"
    assert error.message.splitlines() == [
        "12 values can't be had:",
        "  `ssm:/dev/db` isn't there (DB of one, DB of two)",
        "  `secretsmanager:gone` isn't there (AA of one)",
        "  `secretsmanager:text#key` is no JSON object, so it has no keys (BB of one)",
        "  `secretsmanager:api#key` has no key `key` (CC of one)",
        "  `secretsmanager:latin` is no UTF-8 text (DD of one)",
        "  `secretsmanager:closed` can't be read: not for you [AccessDeniedException] (EE of one)",
        "  `s3://conf/gone` isn't there (FF of one)",
        "  `s3://other/gone` isn't there (GG of one)",
        "  `s3://conf/large` has over 4,096 bytes, more than a variable can hold (HH of one)",
        "  `s3://conf/nul` holds a NUL, which no variable can (II of one)",
        "  `file:gone-bob` isn't there (JJ of one)",
        f"  `file:../../bob` is outside the project {directory.root} (KK of one)",
    ]
    assert error.hint == "aws ssm put-parameter --type SecureString --name /dev/db --value VALUE"


def test_a_link_out_of_the_project_is_not_followed(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, aws: ValuesAws
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "key"
    outside.write_text("private")
    (tmp_path / "key-bob").symlink_to(outside)
    made = topology(Directory(tmp_path), {"one": {"KEY": "file:key-{{sandbox}}"}})
    error = refused(aws, made)
    assert "outside the project" in error.message
    assert "private" not in error.message


def test_a_rotated_secret_is_one_change_and_one_call(directory: Directory, aws: ValuesAws) -> None:
    aws.secrets = {"api": "old-4711"}
    aws.parameters = {"/db": "db"}
    made = topology(directory, {"one": {"API": "secretsmanager:api", "DB": "ssm:/db"}, "two": {}})
    create(aws, made)
    aws.secrets["api"] = "new-4712"
    aws.forget()
    assert work(plan(aws, made)) == ["~ function etl_one_bob: environment.API"]
    create(aws, made)
    assert aws.writes() == ["lambda.update_function_configuration"]
    assert variables(aws) == {"API": "new-4712", "DB": "db"}


def test_values_are_never_shown(directory: Directory, aws: ValuesAws) -> None:
    aws.secrets = {"api": "old-4711"}
    made = topology(directory, {"one": {"API": "secretsmanager:api", "NEW": "x"}})
    told: list[Event] = []
    create(aws, made, emit=told.append)
    aws.secrets["api"] = "new-4712"
    prepared = plan(aws, made)
    (step,) = readable(prepared.plan)
    assert step_data(step)["changes"] == [
        {"path": "environment.API", "before": "(hidden)", "after": "(secretsmanager:api)"}
    ]
    things = resolved(made, aws, packages, silent)
    seen = [{path: shown(path, value) for path, value in r.props.items()} for r in things]
    environment = next(props["environment"] for props in seen if "environment" in props)
    assert environment["API"] == "(secretsmanager:api)"
    everything = f"{told} {prepared} {json.dumps(seen, default=str)} {step_data(step)} {things}"
    assert "4712" not in everything
    assert "4711" not in f"{told} {seen} {step_data(step)}"


def test_what_lambda_repeats_is_not_told(directory: Directory, aws: ValuesAws) -> None:
    aws.secrets = {"api": 'to"ken-4711'}
    made = topology(directory, {"one": {"API": "secretsmanager:api"}})

    def repeat(operation: str, given: dict[str, Any]) -> AwsError | None:
        if operation != "lambda.create_function":
            return None
        said = json.dumps(given["Environment"])
        return refused_call("InvalidParameterValueException", f"String measured: {said}")

    aws.hook = repeat
    outcome = create(aws, made)
    (message,) = failures(outcome)
    assert "4711" not in message
    assert '"API": "(secretsmanager:api)"' in message


def test_only_selected_functions_are_fetched_for(directory: Directory, aws: ValuesAws) -> None:
    aws.parameters = {"/one": "1", "/two": "2"}
    made = topology(directory, {"one": {"AA": "ssm:/one"}, "two": {"AA": "ssm:/two"}})
    create(aws, made)
    del aws.parameters["/two"]
    aws.parameters["/one"] = "new"
    aws.forget()
    assert create(aws, made, "one").ok
    assert variables(aws, "one") == {"AA": "new"}
    assert variables(aws, "two") == {"AA": "2"}
    aws.parameters["/one"] = "newer"
    aws.parameters["/two"] = "newer"
    aws.forget()
    assert create(aws, made, "vars").ok
    assert variables(aws, "two") == {"AA": "newer"}
    aws.forget()
    assert create(aws, made, "tags").ok
    assert aws.names()["ssm.get_parameters"] == 0


def test_only_what_is_selected_is_looked_up_and_packaged(
    directory: Directory, aws: ValuesAws
) -> None:
    aws.parameters = {"/db": "x", "/layer": LAYER}
    made = topology(directory, {"one": {"AA": "ssm:/db"}}, layers=["ssm:/layer"])
    assert create(aws, made).ok
    aws.parameters = {"/layer": LAYER.replace(":3", ":4")}

    def none_is_needed(functions: Mapping[str, Function]) -> Mapping[str, Artifact]:
        assert not functions
        return {}

    prepared = prepare(made, aws, none_is_needed, silent, components=["functions/layers"])
    assert work(prepared) == ["~ function etl_one_bob: layers.0"]
    with pytest.raises(TcError, match=r"/db. isn't there"):
        prepare(made, aws, none_is_needed, silent, components=["functions/one/vars"])
    aws.parameters = {"/db": "y"}
    prepared = prepare(made, aws, none_is_needed, silent, components=["functions/one/vars"])
    assert work(prepared) == ["~ function etl_one_bob: environment.AA"]


def test_a_new_function_is_made_whole_whatever_is_selected_of_it(
    directory: Directory, aws: ValuesAws
) -> None:
    aws.parameters = {"/layer": LAYER}
    made = topology(directory, {"one": {}}, layers=["ssm:/layer"])
    assert create(aws, made, "functions/code", "functions/one/tags").ok
    live = aws.lambda_get_function("etl_one_bob")["Configuration"]
    assert [layer["Arn"] for layer in live["Layers"]] == [LAYER]
    settled(aws, made)


def test_a_function_that_something_selected_needs_gets_its_values(
    directory: Directory, aws: ValuesAws
) -> None:
    aws.parameters = {"/one": "1"}
    text = (
        "name: etl\nroutes: {/a: {function: one}}\n"
        "functions: {one: {runtime: {environment: {AA: 'ssm:/one'}}}}\n"
    )
    made = directory.write(text, "one").topology()
    assert create(aws, made, "routes").ok
    assert variables(aws) == {"AA": "1"}


def test_too_much_for_lambda_is_told_before_any_change(
    directory: Directory, aws: ValuesAws
) -> None:
    aws.parameters = {"/a": "x" * 3000, "/b": "y" * 3000}
    made = topology(directory, {"one": {"AA": "ssm:/a", "BB": "ssm:/b"}})
    error = refused(aws, made)
    assert error.code == "environment-too-long"
    assert "`one` has 6,004 bytes" in error.message


def test_a_layer_may_stand_in_ssm(directory: Directory, aws: ValuesAws) -> None:
    aws.parameters = {"/layers/deps": LAYER}
    made = topology(directory, {"one": {}}, layers=["ssm:/layers/deps"])
    create(aws, made)
    live = aws.lambda_get_function("etl_one_bob")["Configuration"]
    assert [layer["Arn"] for layer in live["Layers"]] == [LAYER]
    settled(aws, made)


@pytest.mark.parametrize(("held", "said"), [(None, "a layer of one"), ("secret", "no ARN")])
def test_a_layer_that_ssm_does_not_have(
    directory: Directory, aws: ValuesAws, held: str | None, said: str
) -> None:
    aws.parameters = {"/layers/deps": held} if held else {}
    error = refused(aws, topology(directory, {"one": {}}, layers=["ssm:/layers/deps"]))
    assert error.code == "no-value"
    assert said in error.message
    assert "secret" not in error.message
