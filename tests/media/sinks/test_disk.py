"""A disk that is slow or full holds up nobody."""

import errno
import os
import shutil
import threading
from pathlib import Path

from tests.media.sinks.support import all_written, in_loop
from videocli.media.sinks.disk import Disk


class Dam:
    """Holds up all writing until it is opened."""

    def __init__(self) -> None:
        self.opened = threading.Event()

    def write(self, descriptor: int, data: memoryview) -> int:
        self.opened.wait()
        return os.write(descriptor, data)


def write_in_parts(descriptor: int, data: memoryview) -> int:
    return os.write(descriptor, data[:3])


class Full:
    """Takes so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room

    def write(self, descriptor: int, data: memoryview) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        written = os.write(descriptor, data[: self.room])
        self.room -= written
        return written


def fail(fault: OSError) -> None:
    raise AssertionError(fault)


def test_a_file_is_appended_to_and_patched(tmp_path: Path) -> None:
    async def scene() -> None:
        disk = Disk(write_in_parts)
        file = disk.create(tmp_path / "f", fail)
        assert file.append(b"head middle ")
        file.finish(b"tail", [(0, b"HEAD"), (12, b"T")])
        assert await disk.close(5)

    in_loop(scene)
    assert (tmp_path / "f").read_bytes() == b"HEAD middle Tail"


def test_what_a_slow_disk_cannot_keep_up_with_is_refused_but_the_end_is_not(tmp_path: Path) -> None:
    async def scene() -> None:
        dam = Dam()
        disk = Disk(dam.write, waiting_bytes=10)
        file = disk.create(tmp_path / "f", fail)
        assert file.append(b"12345")
        assert file.append(b"67890")
        assert not file.append(b"x")
        assert file.append(b"needed ", is_needed=True)
        file.finish(b"end", [])
        assert not await disk.close(0)
        dam.opened.set()
        assert await disk.close(5)

    in_loop(scene)
    assert (tmp_path / "f").read_bytes() == b"1234567890needed end"


def test_what_has_been_written_makes_room(tmp_path: Path) -> None:
    async def scene() -> None:
        disk = Disk(waiting_bytes=10)
        file = disk.create(tmp_path / "f", fail)
        for _ in range(100):
            assert file.append(b"0123456789")
            await all_written(disk)
        file.finish(b"", [])
        assert await disk.close(5)

    in_loop(scene)
    assert (tmp_path / "f").stat().st_size == 1000


def test_a_full_disk_is_told_once_and_what_was_written_whole_stays(tmp_path: Path) -> None:
    async def scene() -> list[OSError]:
        faults: list[OSError] = []
        disk = Disk(Full(12).write)
        file = disk.create(tmp_path / "f", faults.append)
        for data in (b"one two ", b"three", b"four"):
            assert file.append(data)
        file.finish(b"end", [(0, b"ONE")])
        assert await disk.close(5)
        return faults

    faults = in_loop(scene)
    assert [fault.errno for fault in faults] == [errno.ENOSPC]
    assert (tmp_path / "f").read_bytes() == b"one two "


def test_a_file_that_is_there_already_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("mine")

    async def scene() -> list[OSError]:
        faults: list[OSError] = []
        disk = Disk()
        disk.create(tmp_path / "f", faults.append).append(b"theirs")
        assert await disk.close(5)
        return faults

    assert [fault.errno for fault in in_loop(scene)] == [errno.EEXIST]
    assert (tmp_path / "f").read_text() == "mine"


def test_of_several_texts_for_a_file_the_last_one_counts(tmp_path: Path) -> None:
    async def scene() -> None:
        dam = Dam()
        disk = Disk(dam.write)
        disk.create(tmp_path / "f", fail).append(b"x")
        for number in range(50):
            disk.replace(tmp_path / "text", str(number), fail)
        dam.opened.set()
        assert await disk.close(5)

    in_loop(scene)
    assert (tmp_path / "text").read_text() == "49"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f", "text"]


def test_a_text_that_a_full_disk_cannot_take_leaves_the_old_one(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("old")

    async def scene() -> list[OSError]:
        faults: list[OSError] = []
        disk = Disk(Full(2).write)
        for _ in range(3):
            disk.replace(tmp_path / "text", "new text", faults.append)
            await all_written(disk)
        assert await disk.close(5)
        return faults

    assert [fault.errno for fault in in_loop(scene)] == [errno.ENOSPC]
    assert [path.name for path in tmp_path.iterdir()] == ["text"]
    assert (tmp_path / "text").read_text() == "old"


def test_a_file_that_is_removed_is_told(tmp_path: Path) -> None:
    async def scene() -> list[OSError]:
        faults: list[OSError] = []
        disk = Disk()
        file = disk.create(tmp_path / "f", faults.append)
        file.append(b"one")
        await all_written(disk)
        (tmp_path / "f").unlink()
        for _ in range(3):
            file.append(b"two")
        assert await disk.close(5)
        assert (file.is_removed, file.kept) == (True, 0)
        return faults

    assert [fault.errno for fault in in_loop(scene)] == [errno.ENOENT]


def test_a_directory_that_is_removed_is_made_again(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"

    async def scene() -> None:
        disk = Disk()
        disk.create(directory / "f", fail)
        await all_written(disk)
        shutil.rmtree(tmp_path / "a")
        disk.replace(directory / "text", "new", fail)
        assert await disk.close(5)

    in_loop(scene)
    assert [path.name for path in directory.iterdir()] == ["text"]
