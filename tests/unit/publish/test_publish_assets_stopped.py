"""Publishing an asset that is stopped, that two do at once, that runs out of time or room."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from asset_world import PART, SMALL, World

from tc.build.assets import manifest_of
from tc.config import Roles
from tc.errors import TcError
from tc.events import silent
from tc.publish.assets import Asset, publish
from tc.publish.bucket import Bucket
from tc.publish.publisher import steps


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
