from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videocli.media.negotiation import (
    OFFER_SECONDS,
    ApplyAnswer,
    ClientNegotiation,
    Close,
    Description,
    MakeAnswer,
    MakeOffer,
    Repeat,
    ServerNegotiation,
    Step,
)


def joined_client() -> ClientNegotiation:
    """A client whose first offer was answered."""
    client = ClientNegotiation()
    offer(client)
    client.receive("answer", 1, "answer 1")
    assert client.next_step() == ApplyAnswer("answer 1", 1)
    client.finish()
    return client


def joined_server() -> ServerNegotiation:
    """A server that has answered the first offer."""
    server = ServerNegotiation()
    server.receive("offer", 1, "offer 1")
    assert server.next_step() == MakeAnswer("offer 1", 1)
    server.finish("answer 1")
    return server


def offer(negotiation: ClientNegotiation | ServerNegotiation) -> int:
    negotiation.want_offer()
    step = negotiation.next_step()
    assert isinstance(step, MakeOffer)
    assert negotiation.may_send()
    negotiation.finish(f"offer {step.revision}")
    return step.revision


def test_the_first_offer_has_revision_1_and_its_answer_settles_it() -> None:
    client = ClientNegotiation()
    assert offer(client) == 1
    assert not client.is_settled
    client.receive("answer", 1, "sdp")
    assert client.next_step() == ApplyAnswer("sdp", 1)
    client.finish()
    assert client.is_settled
    assert client.next_step() is None


@pytest.mark.parametrize("revision", [0, 1, 3])
def test_an_answer_to_another_offer_is_ignored(revision: int) -> None:
    client = joined_client()
    assert offer(client) == 2
    client.receive("answer", revision, "sdp")
    assert client.next_step() is None


def test_an_answer_without_an_offer_is_ignored() -> None:
    client = joined_client()
    client.receive("answer", 1, "again")
    assert client.next_step() is None


def test_a_server_offer_is_answered_with_its_revision_and_the_next_offer_follows_it() -> None:
    client = joined_client()
    client.receive("offer", 2, "sdp")
    assert client.next_step() == MakeAnswer("sdp", 2)
    client.finish("mine")
    assert client.local_description == Description("answer", 2, "mine")
    assert offer(client) == 3


@pytest.mark.parametrize("revision", [0, 1])
def test_a_server_offer_that_is_not_newer_than_the_last_stable_one_is_ignored(revision: int) -> None:
    client = joined_client()
    client.receive("offer", revision, "sdp")
    assert client.next_step() is None


def test_an_offer_that_comes_again_is_answered_again_and_an_offer_of_ours_repeated() -> None:
    client = joined_client()
    client.receive("offer", 2, "theirs")
    assert client.next_step() == MakeAnswer("theirs", 2)
    client.finish("ours")
    assert offer(client) == 3
    client.receive("offer", 2, "theirs")
    assert client.next_step() == Repeat(Description("answer", 2, "ours"))
    assert client.next_step() == Repeat(Description("offer", 3, "offer 3"))
    assert client.next_step() is None


def test_on_a_collision_the_client_yields_then_offers_again() -> None:
    """Trace glare: both offer 2; the client answers 2, then offers 3."""
    client = joined_client()
    assert offer(client) == 2
    client.receive("offer", 2, "server's")
    assert client.next_step() == MakeAnswer("server's", 2)
    client.finish("mine")
    assert client.next_step() == MakeOffer(3)


def test_an_offer_overtaken_while_it_is_made_is_not_sent_but_made_again() -> None:
    client = joined_client()
    client.want_offer()
    assert client.next_step() == MakeOffer(2)
    client.receive("offer", 2, "server's")
    assert not client.may_send()
    assert client.next_step() == MakeAnswer("server's", 2)
    client.finish("mine")
    assert client.next_step() == MakeOffer(3)


def test_a_server_offer_during_the_first_negotiation_waits_for_the_answer() -> None:
    client = ClientNegotiation()
    offer(client)
    client.receive("offer", 2, "early")
    client.receive("offer", 3, "newer")
    assert client.next_step() is None
    client.receive("answer", 1, "answer 1")
    assert client.next_step() == ApplyAnswer("answer 1", 1)
    client.finish()
    assert client.next_step() == MakeAnswer("newer", 3)


def test_create_offer_is_answered_by_an_offer_with_the_revision_after_it() -> None:
    """Trace create_offer: create-offer 2 is answered by offer 3."""
    client = joined_client()
    client.receive("create-offer", 2)
    assert client.next_step() == MakeOffer(3)
    client.finish("sdp")
    client.receive("answer", 3, "sdp")
    assert client.next_step() == ApplyAnswer("sdp", 3)


def test_create_offer_waits_for_the_answer_that_is_due() -> None:
    client = joined_client()
    assert offer(client) == 2
    client.receive("create-offer", 3)
    assert client.next_step() is None
    client.receive("answer", 2, "sdp")
    client.next_step()
    client.finish()
    assert client.next_step() == MakeOffer(4)


def test_a_stale_create_offer_is_ignored() -> None:
    client = joined_client()
    client.receive("create-offer", 1)
    assert client.next_step() is None


def test_close_is_final() -> None:
    client = joined_client()
    client.receive("close", 4)
    assert client.next_step() == Close()
    client.finish()
    client.receive("offer", 5, "sdp")
    client.want_offer()
    assert client.next_step() is None
    assert client.is_settled


def test_a_peer_connection_that_the_server_made_begins_with_its_offer() -> None:
    """Trace resume_new_pc: the server offers 1 under a new id; the client answers 1, then offers 2."""
    client = ClientNegotiation()
    client.receive("offer", 1, "sdp")
    assert client.next_step() == MakeAnswer("sdp", 1)
    client.finish("mine")
    assert offer(client) == 2


def test_one_step_at_a_time() -> None:
    client = joined_client()
    client.receive("offer", 2, "a")
    client.receive("offer", 3, "b")
    assert client.next_step() == MakeAnswer("a", 2)
    assert client.next_step() is None
    client.finish("mine")
    assert client.next_step() == MakeAnswer("b", 3)


def test_a_server_offer_that_cannot_be_applied_is_forgotten_and_a_later_one_is_not() -> None:
    client = joined_client()
    client.receive("offer", 2, "bad")
    client.next_step()
    client.fail()
    assert client.next_step() is None
    client.receive("offer", 2, "good")
    assert client.next_step() == MakeAnswer("good", 2)


def test_finishing_what_was_not_begun_is_a_mistake_of_ours() -> None:
    with pytest.raises(RuntimeError):
        ClientNegotiation().finish()


def test_the_server_numbers_its_offer_after_the_last_stable_one() -> None:
    server = joined_server()
    assert offer(server) == 2
    assert server.local_description == Description("offer", 2, "offer 2")


def test_the_server_has_one_offer_out_at_most() -> None:
    server = joined_server()
    offer(server)
    server.want_offer()
    assert server.next_step() is None
    server.receive("answer", 2, "sdp")
    assert server.next_step() == ApplyAnswer("sdp", 2)
    server.finish()
    assert server.next_step() == MakeOffer(3)


def test_the_server_drops_a_client_offer_while_its_own_is_out() -> None:
    server = joined_server()
    assert offer(server) == 2
    server.receive("offer", 2, "client's")
    assert server.next_step() is None
    server.receive("answer", 2, "sdp")
    server.next_step()
    server.finish()
    server.receive("offer", 3, "client's again")
    assert server.next_step() == MakeAnswer("client's again", 3)


def test_the_server_does_not_offer_before_the_clients_first_offer() -> None:
    server = ServerNegotiation()
    server.want_offer()
    assert server.next_step() is None
    server.receive("offer", 1, "sdp")
    assert server.next_step() == MakeAnswer("sdp", 1)
    server.finish("answer")
    assert server.next_step() == MakeOffer(2)


def test_the_server_offers_first_under_an_id_of_its_own() -> None:
    assert offer(ServerNegotiation(offers_first=True)) == 1


def test_the_server_repeats_the_answer_to_an_offer_it_has_answered() -> None:
    server = joined_server()
    server.receive("offer", 1, "offer 1")
    assert server.next_step() == Repeat(Description("answer", 1, "answer 1"))
    assert server.next_step() is None


def test_the_server_ignores_offers_older_than_the_one_it_has_answered() -> None:
    server = joined_server()
    server.receive("offer", 3, "offer 3")
    server.next_step()
    server.finish("answer 3")
    server.receive("offer", 1, "offer 1")
    assert server.next_step() is None


def test_a_repeated_answer_is_not_applied_twice() -> None:
    server = joined_server()
    offer(server)
    for _ in range(2):
        server.receive("answer", 2, "sdp")
    assert server.next_step() == ApplyAnswer("sdp", 2)
    server.finish()
    assert server.next_step() is None


def test_a_client_that_never_answers_is_lost_after_its_time() -> None:
    server = joined_server()
    offer(server)
    server.offer_sent(100.0)
    assert server.deadline() == 100.0 + OFFER_SECONDS
    assert not server.is_lost(100.0 + OFFER_SECONDS - 0.1)
    assert server.is_lost(100.0 + OFFER_SECONDS)


def test_an_answered_offer_has_no_deadline() -> None:
    server = joined_server()
    offer(server)
    server.offer_sent(100.0)
    server.receive("answer", 2, "sdp")
    server.next_step()
    server.finish()
    assert server.deadline() is None
    assert not server.is_lost(1000.0)


def test_the_time_to_answer_does_not_run_while_the_client_is_out_of_reach() -> None:
    server = joined_server()
    offer(server)
    server.offer_sent(100.0)
    server.pause()
    assert not server.is_lost(1000.0)
    server.offer_sent(1000.0)
    assert server.deadline() == 1000.0 + OFFER_SECONDS


class Line:
    """Both ends and the wire between them; how far each message and step has come is up to the test."""

    def __init__(self) -> None:
        self.client = ClientNegotiation()
        self.server = ServerNegotiation()
        self.to_client: deque[Description] = deque()
        self.to_server: deque[Description] = deque()
        self.client_step: Step | None = None
        self.server_step: Step | None = None
        self.client.want_offer()

    def act(self, action: str) -> None:
        match action:
            case "client wants":
                self.client.want_offer()
            case "server wants":
                self.server.want_offer()
            case "to client" if self.to_client:
                heard = self.to_client.popleft()
                self.client.receive(heard.kind, heard.revision, heard.sdp)
            case "to server" if self.to_server:
                heard = self.to_server.popleft()
                self.server.receive(heard.kind, heard.revision, heard.sdp)
            case "client begins" if self.client_step is None:
                self.client_step = self.client.next_step()
            case "server begins" if self.server_step is None:
                self.server_step = self.server.next_step()
            case "client ends" if self.client_step is not None:
                self._end(self.client, self.client_step, self.to_server)
                self.client_step = None
            case "server ends" if self.server_step is not None:
                self._end(self.server, self.server_step, self.to_client)
                self.server_step = None

    @staticmethod
    def _end(
        negotiation: ClientNegotiation | ServerNegotiation, step: Step, wire: deque[Description]
    ) -> None:
        match step:
            case MakeOffer(revision):
                if negotiation.may_send():
                    negotiation.finish("sdp")
                    wire.append(Description("offer", revision, "sdp"))
            case MakeAnswer(_, revision):
                negotiation.finish("sdp")
                wire.append(Description("answer", revision, "sdp"))
            case Repeat(answer):
                wire.append(answer)
            case _:
                negotiation.finish()


ACTIONS = (
    "client wants",
    "server wants",
    "to client",
    "to server",
    "client begins",
    "server begins",
    "client ends",
    "server ends",
)


@given(st.lists(st.sampled_from(ACTIONS), max_size=60))
def test_in_whatever_order_things_happen_both_sides_settle_on_one_revision(actions: list[str]) -> None:
    line = Line()
    for action in actions:
        line.act(action)
    for _ in range(50):
        for action in ACTIONS[2:]:
            line.act(action)
    assert line.client.is_settled
    assert line.server.is_settled
    client, server = line.client.local_description, line.server.local_description
    assert client is not None
    assert server is not None
    assert client.revision == server.revision
    assert {client.kind, server.kind} == {"offer", "answer"}
