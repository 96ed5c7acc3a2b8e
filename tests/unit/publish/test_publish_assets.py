"""Publishing an asset: what moves, what the path leads to meanwhile, what a stop leaves."""

from __future__ import annotations

import errno
import gzip
import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_files import FakeFiles

from tc.build.assets import manifest_of
from tc.config import Roles
from tc.errors import TcError
from tc.events import silent
from tc.publish.assets import Asset, Published, difference, publish
from tc.publish.bucket import Bucket
from tc.publish.publisher import steps
from tc.publish.publisher_function import Place

KB = 1024
#: smaller than real ones, and so quicker
PART, SMALL = 64 * KB, 8 * KB
POINT = "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0"


class World:
    """A project with a model, and the file system it is published to."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.mount = root / "mount"
        self.source = root / "model"
        self.cache = root / "cache"
        self.mount.mkdir()
        for module in ("tc.spec.asset", "tc.build.assets", "tc.publish.assets"):
            patch.setattr(f"{module}.PART", PART)
        patch.setattr("tc.publish.assets.SMALL", SMALL)
        self.aws = FakeFiles(self.mount, patch)
        self.place = Place(POINT, "/mnt/assets", ("subnet-1",), ("sg-1",))

    def write(self, name: str, content: bytes, *, executable: bool = False) -> None:
        path = self.source / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        path.chmod(0o755 if executable else 0o644)

    def asset(self, keep: int = 3, path: str = "etl/model", owner: str = "etl") -> Asset:
        manifest = manifest_of(self.source, self.cache, silent, "artifacts")
        return Asset("artifacts of one", owner, self.place, path, manifest, keep)

    def publish(self, *, adopt: bool = False, **given: Any) -> Published:
        self.aws.sent.clear()
        asset = self.asset(**given)
        return publish(self.aws, Bucket(self.aws), asset, Roles(), silent, adopt=adopt)

    def difference(self) -> tuple[int, int]:
        found = difference(Bucket(self.aws), self.asset())
        return found.files, found.size

    def there(self, path: str = "etl/model") -> dict[str, bytes]:
        """What a function reads at the path."""
        top = (self.mount / path).resolve()
        return {
            file.relative_to(top).as_posix(): file.read_bytes()
            for folder, _, names in os.walk(top)
            for file in (Path(folder, name) for name in names)
        }

    def wanted(self) -> dict[str, bytes]:
        return {
            file.relative_to(self.source).as_posix(): file.read_bytes()
            for file in self.source.rglob("*")
            if file.is_file()
        }

    def versions(self) -> list[str]:
        return [one.name for one in (self.mount / "etl/.tc/model").iterdir() if one.is_dir()]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path, monkeypatch)
    made.write("weights.bin", os.urandom(2 * PART + 5 * KB))
    made.write("run", b"#!/bin/sh\n", executable=True)
    for number in range(20):
        made.write(f"words/{number}.txt", b"word %d\n" % number)
    made.write("words/empty", b"")
    return made


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


class Stopped(BaseException):
    """What a SIGKILL looks like from inside."""


def test_stopped_anywhere_it_goes_on_from_there(world: World) -> None:
    """After each call in turn: the path leads to the old version or to the new one, and the next
    run completes the new one without sending again what had arrived."""
    world.publish()
    old = world.there()
    steps_of_a_run = 0
    for number in range(1, 200):
        (world.source / "more.bin").write_bytes(os.urandom(PART + number))
        new = world.wanted()
        done = _stopped_after(world, number)
        assert world.there() in (old, new), number
        arrived = sum(world.aws.sent)
        result = world.publish()
        assert world.there() == new, number
        if done:
            break
        assert arrived + result.moved <= PART + number + PART, number
        assert world.aws.parts() == [], number
        old, steps_of_a_run = new, number
    assert steps_of_a_run > 8


def _stopped_after(world: World, count: int) -> bool:
    """Publishes, and is stopped when `count` calls have had their effect; whether there were
    fewer."""
    left = count

    def after(name: str, given: dict[str, Any]) -> Exception | None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Stopped
        return None

    usual, world.aws.after = world.aws.after, after
    try:
        world.publish()
    except Stopped:
        return False
    finally:
        world.aws.after = usual
    return True


def test_what_another_run_has_begun_is_only_dropped_when_nobody_goes_on_with_it(
    world: World,
) -> None:
    world.write("more.bin", os.urandom(3 * PART))
    begun = f"new-{world.asset().manifest.digest}"
    for count in range(1, 30):
        _stopped_after(world, count)
        if (world.mount / "etl/.tc/model" / begun).exists():
            break
    place = world.mount / "etl/.tc/model" / begun
    world.write("more.bin", b"less")
    world.publish()
    assert place.exists()
    for one in (place, *place.iterdir()):
        os.utime(one, (0, 0))
    world.write("more.bin", b"even less")
    world.publish()
    assert not place.exists()
    assert world.there() == world.wanted()


def test_the_publisher_stopped_anywhere_leaves_a_whole_version(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped in the middle of an invocation, at each rename and link in turn."""
    world.publish()
    old = world.there()
    for number in range(1, 60):
        (world.source / "more.bin").write_bytes(os.urandom(PART + number))
        world.write("words/3.txt", b"number %d\n" % number)
        new = world.wanted()
        left = number

        def stopping(usual: Callable[..., Any], patch: pytest.MonkeyPatch) -> Callable[..., Any]:
            def call(*arguments: Any, **named: Any) -> Any:
                nonlocal left
                left -= 1
                if left == 0:
                    # nor is anything cleaned up
                    patch.setattr(Path, "unlink", lambda *_, **__: None)
                    raise Stopped
                return usual(*arguments, **named)

            return call

        with monkeypatch.context() as patch:
            for name in ("rename", "replace", "touch", "symlink_to"):
                patch.setattr(Path, name, stopping(getattr(Path, name), patch))
            try:
                world.publish()
                over = True
            except Stopped:
                over = False
        assert world.there() in (old, new), number
        world.publish()
        assert world.there() == new, number
        old = new
        if over:
            break
    else:
        pytest.fail("it never came to its end")
    assert number > 5


def test_two_at_once_leave_one_of_two_whole_versions(tmp_path: Path, world: World) -> None:
    other = world.source.with_name("other")
    for number in range(12):
        path = other / f"{number}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(os.urandom(2 * SMALL))
    manifest = manifest_of(other, world.cache, silent, "artifacts")
    theirs = Asset("artifacts of two", "etl", world.place, "etl/model", manifest, 3)
    ours = world.asset()
    world.publish()
    seen: list[set[str]] = []
    failed: list[BaseException] = []

    def run(asset: Asset) -> None:
        try:
            publish(world.aws, Bucket(world.aws), asset, Roles(), silent)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in (ours, theirs, theirs, ours)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        seen.append(set(world.there()))
    assert failed == []
    in_other = {file.name: file.read_bytes() for file in other.iterdir()}
    assert world.there() in (world.wanted(), in_other)
    names = [set(world.wanted()), set(in_other)]
    assert [one for one in seen if one not in names and one] == []


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


def test_invocations_that_run_out_of_time_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = 0

    def over(asset: Any) -> bool:
        nonlocal turns
        turns += 1
        return turns < 400 and turns % 7 == 0

    monkeypatch.setattr(steps.Asset, "over", property(over))
    world.publish()
    turns = 0
    world.write("words/3.txt", b"another word\n")
    world.publish(keep=1)
    assert world.there() == world.wanted()
    assert len(world.versions()) == 1
    assert turns > 100


def test_a_full_disk_is_a_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.publish()
    old = world.there()
    world.write("more.bin", os.urandom(2 * SMALL))

    def full(path: Path, content: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(TcError, match="No space left on device") as raised:
            publish(world.aws, Bucket(world.aws), world.asset(), Roles(), silent)
    assert raised.value.code == "disk-full"
    assert world.there() == old
    world.publish()
    assert world.there() == world.wanted()
