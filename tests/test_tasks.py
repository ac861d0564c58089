import asyncio
import threading

from videocli.tasks import call_on


def test_another_thread_s_call_is_made_on_the_loop_s() -> None:
    async def scene() -> None:
        called: asyncio.Future[tuple[int, threading.Thread]] = asyncio.get_running_loop().create_future()

        def note(number: int) -> None:
            called.set_result((number, threading.current_thread()))

        threading.Thread(target=call_on, args=(asyncio.get_running_loop(), note, 7)).start()
        assert await called == (7, threading.current_thread())

    asyncio.run(scene())


def test_nobody_waits_for_a_call_on_a_loop_that_is_closed() -> None:
    loop = asyncio.new_event_loop()
    loop.close()
    called: list[int] = []
    call_on(loop, called.append, 7)
    assert called == []
