"""A token that expires while signaling is down."""

import asyncio
import os
import shlex
import sys

from tests.faults.lines import outages
from tests.faults.proxy import proxy_to
from tests.sdk.programs import CREDENTIALS, now, serve, videocli

ROOM = "faults"
TTL_SECONDS = 10
MINT = ("mint-token", "--room", ROOM, "--ttl", str(TTL_SECONDS), "--identity")


async def mint(identity: str) -> str:
    """A token that expires soon. Raises `AssertionError`."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "videocli", *MINT, identity),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **CREDENTIALS},
    )
    output, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return output.decode().strip()


def test_a_token_that_expires_in_an_outage_ends_the_session_unless_a_command_gives_another() -> None:
    async def outage(url: str, identity: str, *options: str) -> tuple[int, tuple[int, int], str]:
        """Exit code, outages and words on stderr of one who is cut off past the expiry."""
        token = await mint(identity)
        expires_at = now() + TTL_SECONDS * 1000
        async with (
            proxy_to(url) as proxy,
            videocli("join", ROOM, "--json", "--url", proxy.url, "--token", token, *options) as program,
        ):
            await program.wait_event("connected")
            proxy.refuse()
            proxy.cut()
            await program.wait_event("reconnecting")
            await asyncio.sleep((expires_at - now()) / 1000 + 1)
            back_at = now()
            await proxy.accept()
            if options:
                await program.wait_event("reconnected", after=back_at)
                program.terminate()
            else:
                end = await program.wait_event("disconnected", after=back_at)
                assert end.fields["error"]["code"] == 20104
            return await program.exit_code(), outages(program), "".join(program.stderr)

    async def run() -> None:
        command = shlex.join((sys.executable, "-m", "videocli", *MINT, "command"))
        async with serve() as server:
            without, with_command = await asyncio.gather(
                outage(server.url, "token"), outage(server.url, "command", "--token-command", command)
            )
        assert without[0] == 3
        assert "20104" in without[2]
        assert "--ttl" in without[2]
        assert "--token-command" in without[2]
        assert with_command[:2] == (0, (1, 1))

    asyncio.run(run())
