"""Publishing an asset: what moves, what the path leads to, what is refused."""

from __future__ import annotations

import errno
import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
from asset_world import KB, PART, SMALL, World

from tc.config import Roles
from tc.errors import TcError
from tc.events import silent
from tc.publish.assets import Published, difference, publish
from tc.publish.bucket import Bucket
from tc.publish.publisher import steps


def test_everything_lands_at_the_path_and_leaves_the_bucket(world: World) -> None:
    done = world.publish()
    assert world.there() == world.wanted()
    assert os.access(world.mount / "etl/model/run", os.X_OK)
    assert not os.access(world.mount / "etl/model/weights.bin", os.X_OK)
    assert done == Published(moved=sum(world.aws.sent), files=23, first=True)
    # one pack for all that is small
    assert len(world.aws.sent) == 4
    assert world.aws.parts() == []


def test_nothing_changed_moves_nothing_and_writes_nothing(world: World) -> None:
    world.publish()
    world.aws.calls.clear()
    assert world.publish() == Published(unchanged=True)
    assert world.aws.writes() == ["lambda.invoke"]
    assert len(world.aws.calls) <= 4
    assert world.difference() == (0, 0)


def test_one_changed_file_moves_alone(world: World) -> None:
    world.publish()
    before = (world.mount / "etl/model/weights.bin").stat().st_ino
    world.write("words/3.txt", b"another word\n")
    assert world.difference() == (1, 13)
    done = world.publish()
    assert (done.moved, done.files) == (13, 1)
    assert world.there() == world.wanted()
    assert (world.mount / "etl/model/weights.bin").stat().st_ino == before


def test_of_a_large_file_only_changed_parts_move(world: World) -> None:
    world.publish()
    with (world.source / "weights.bin").open("r+b") as file:
        file.seek(PART + 7)
        file.write(b"changed")
    assert world.difference() == (1, PART)
    assert world.publish().moved == PART
    assert world.there() == world.wanted()


def test_a_file_that_became_a_program_does_not_move(world: World) -> None:
    world.publish()
    world.write("words/3.txt", b"word 3\n", executable=True)
    assert world.publish().moved == 0
    assert os.access(world.mount / "etl/model/words/3.txt", os.X_OK)
    old = next(one for one in world.versions() if not (world.mount / "etl/model").samefile(
        world.mount / "etl/.tc/model" / one))  # fmt: skip
    assert not os.access(world.mount / "etl/.tc/model" / old / "words/3.txt", os.X_OK)


def test_equal_files_and_parts_move_once(world: World) -> None:
    zeros = bytes(5 * PART)
    world.write("zeros.bin", zeros)
    world.write("copy/zeros.bin", zeros)
    world.write("copy/again.bin", b"x" * (2 * SMALL))
    world.write("copy/again-too.bin", b"x" * (2 * SMALL))
    world.publish()
    assert (
        sorted(world.aws.sent)[-5:] == [5 * KB, 2 * SMALL, PART, PART, PART]
        or sum(world.aws.sent) < 4 * PART + 3 * SMALL
    )
    assert world.there() == world.wanted()


def test_an_invocation_is_told_of_so_many_files_and_bytes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that its payload and its time are enough, however much there is."""
    monkeypatch.setattr("tc.publish.assets._BATCH", 2 * PART)
    monkeypatch.setattr("tc.publish.assets._MOST", 5)
    told: list[dict[str, Any]] = []

    def listen(name: str, given: dict[str, Any]) -> None:
        if name == "lambda.invoke" and json.loads(given["Payload"])["do"] == "write":
            told.append(json.loads(given["Payload"]))

    world.aws.hook = listen  # type: ignore[assignment]
    world.publish()
    packs = [[files for _, files in one["packs"]] for one in told]
    assert sum(len(files) for pack in packs for files in pack) == 22
    for one, pack in zip(told, packs, strict=True):
        parts = sum(len(numbers) for *_, numbers in one["parts"])
        assert parts <= 2
        assert parts + sum(map(len, pack)) <= 5
    assert world.there() == world.wanted()


def test_going_back_moves_nothing(world: World) -> None:
    world.publish()
    first = world.wanted()
    world.write("words/3.txt", b"another word\n")
    world.publish()
    world.write("words/3.txt", b"word 3\n")
    assert world.publish().moved == 0
    assert world.there() == first


def test_old_versions_go_when_there_are_more_than_are_kept(world: World) -> None:
    for number in range(5):
        world.write("words/3.txt", b"number %d\n" % number)
        world.publish(keep=2)
    assert len(world.versions()) == 2
    manifests = [key for key in world.aws.objects() if "/versions/" in key]
    assert len(manifests) == 2
    assert world.there() == world.wanted()


def test_a_version_that_was_gone_back_to_is_kept_longer(world: World) -> None:
    kept = []
    for number in (1, 2, 1, 3):
        world.write("words/3.txt", b"number %d\n" % number)
        world.publish(keep=2)
        kept.append(world.asset().manifest.digest)
    assert set(world.versions()) == {kept[0], kept[3]}


def test_a_file_system_without_room_for_links_has_copies(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file of EFS has at most 177 links."""
    world.publish()
    old = (world.mount / "etl/model").resolve()
    world.write("words/3.txt", b"another word\n")

    def full(source: Path, place: Path) -> None:
        raise OSError(errno.EMLINK, "Too many links", str(place))

    monkeypatch.setattr(os, "link", full)
    assert world.publish().moved == 13
    assert world.there() == world.wanted()
    assert os.access(world.mount / "etl/model/run", os.X_OK)
    assert not (old / "weights.bin").samefile(world.mount / "etl/model/weights.bin")


def test_a_file_that_a_function_has_cut_short_is_not_taken_over(world: World) -> None:
    world.publish()
    os.truncate(world.mount / "etl/model/weights.bin", PART + 7)
    os.truncate(world.mount / "etl/model/words/5.txt", 1)
    world.write("words/3.txt", b"another word\n")
    world.publish()
    assert world.there() == world.wanted()


def test_a_manifest_that_is_damaged_in_the_bucket_is_refused(world: World) -> None:
    def harm(name: str, given: dict[str, Any]) -> None:
        if name == "s3.put_object" and "/versions/" in given["Key"]:
            world.aws.objects()[given["Key"]] = gzip.compress(b'{"files": []}')

    world.aws.after = harm  # type: ignore[assignment]
    with pytest.raises(TcError, match="damaged") as raised:
        world.publish()
    assert raised.value.code == "no-manifest"
    assert world.there() == {}


def test_a_directory_that_is_there_already_is_left_alone(world: World) -> None:
    (world.mount / "etl/model").mkdir(parents=True)
    (world.mount / "etl/model/mine").write_text("mine")
    with pytest.raises(TcError, match="tc didn't put it there") as raised:
        world.publish()
    assert raised.value.code == "foreign-asset"
    assert world.there() == {"mine": b"mine"}


def test_an_asset_is_never_put_into_another(world: World) -> None:
    world.publish()
    with pytest.raises(TcError, match="inside of the asset"):
        world.publish(path="etl/model/words")
    assert world.there() == world.wanted()


def test_what_another_topology_published_is_not_replaced(world: World) -> None:
    world.publish()
    theirs = world.there()
    assert world.publish(owner="reports").unchanged
    world.write("words/3.txt", b"another word\n")
    world.aws.calls.clear()
    with pytest.raises(TcError, match="is the topology `etl`'s") as raised:
        world.publish(owner="reports")
    assert raised.value.code == "shared-asset"
    assert world.aws.writes() == []
    with pytest.raises(TcError, match="is the topology `etl`'s"):
        difference(Bucket(world.aws), world.asset(owner="reports"))
    assert world.there() == theirs
    world.publish(owner="reports", adopt=True)
    assert world.there() == world.wanted()
    assert world.publish(owner="reports").unchanged


def test_a_part_that_is_lost_or_damaged_in_the_bucket_is_sent_again(world: World) -> None:
    invoke = world.aws.lambda_invoke
    harmed: list[str] = []

    def harm(region: str, FunctionName: str, Payload: bytes) -> Any:  # noqa: N803
        if b'"do": "write"' in Payload and not harmed:
            harmed.extend(world.aws.parts())
            for number, key in enumerate(harmed):
                body = world.aws.objects().pop(key)
                if number % 2:
                    world.aws.objects()[key] = bytes([body[0] ^ 1]) + body[1:]
        return invoke(region, FunctionName, Payload)

    world.aws.lambda_invoke = harm  # type: ignore[method-assign]
    world.publish()
    assert len(harmed) == 4
    assert world.there() == world.wanted()


def test_a_bucket_that_never_has_the_parts_is_an_error(world: World) -> None:
    usual = world.aws._fetch()
    steps.Asset.fetch = lambda one, key: None if "transit/" in key else usual(one, key)  # type: ignore
    with pytest.raises(TcError, match="missing or damaged") as raised:
        world.publish()
    assert raised.value.code == "asset-failed"
    assert world.there() == {}


def test_a_file_that_changes_meanwhile_is_an_error_and_nothing_is_switched(world: World) -> None:
    world.publish()
    old = world.there()
    world.write("more.bin", os.urandom(2 * SMALL))
    asset = world.asset()
    world.write("more.bin", os.urandom(2 * SMALL))
    with pytest.raises(TcError) as raised:
        publish(world.aws, Bucket(world.aws), asset, Roles(), silent)
    assert raised.value.code == "changed-meanwhile"
    assert world.there() == old
