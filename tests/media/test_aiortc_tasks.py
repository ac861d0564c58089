import asyncio

import pytest

from videocli.media.aiortc_inside.tasks import BackgroundTasks


def test_it_is_said_which_task_failed_of_what(caplog: pytest.LogCaptureFixture) -> None:
    async def gather() -> None:
        raise OSError(24, "Too many open files")

    async def scene() -> None:
        tasks = BackgroundTasks()
        await asyncio.wait({tasks.start(gather())})

    asyncio.run(scene())
    (record,) = caplog.records
    assert record.getMessage().startswith("A background task failed: ")
    assert record.getMessage().endswith("gather: OSError: [Errno 24] Too many open files")
    assert record.exc_info is not None
