import base64
import hashlib
import hmac
import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.jwt.access_token import AccessToken as TwilioToken  # type: ignore[import-untyped]  # ships no types
from twilio.jwt.access_token.grants import VideoGrant  # type: ignore[import-untyped]  # as above

from videocli.errors import RoomError, TokenError, VideoError
from videocli.tokens import Credentials, check_room_grant, inspect, mint, peek, verify

NOW = datetime(2026, 3, 1, 12, 0, 0, 700_000, tzinfo=UTC)
ISSUED = 1_772_366_400
OURS = Credentials("AC" + "0" * 32, "SK" + "1" * 32, "s" * 32)
KNOWN = {OURS.api_key: OURS}
HEADER = {"alg": "HS256", "typ": "JWT", "cty": "twilio-fpa;v=1"}
PAYLOAD: dict[str, Any] = {
    "jti": f"{OURS.api_key}-{ISSUED}",
    "iss": OURS.api_key,
    "sub": OURS.account_sid,
    "iat": ISSUED,
    "exp": ISSUED + 3600,
    "grants": {"identity": "alice", "video": {"room": "standup"}},
}
MISSING = object()


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def signed(header: object = HEADER, payload: object = PAYLOAD, secret: str = OURS.api_secret) -> str:
    """A token of any content, with a good HS256 signature."""
    text = f"{b64(json.dumps(header).encode())}.{b64(json.dumps(payload).encode())}"
    return f"{text}.{b64(hmac.digest(secret.encode(), text.encode(), hashlib.sha256))}"


def with_claims(**claims: object) -> str:
    merged = PAYLOAD | claims
    return signed(payload={name: value for name, value in merged.items() if value is not MISSING})


def refusal(token: str, room: str | None = "standup", now: datetime = NOW) -> int | None:
    with pytest.raises(VideoError) as caught:
        verify(token, KNOWN, room, now)
    return caught.value.code


class TestMinting:
    def test_the_token_has_the_shape_of_twilio_s_helper(self) -> None:
        minted = mint(OURS, "alice", "standup", 3600, NOW)
        header = jwt.get_unverified_header(minted.token)
        payload = jwt.decode(minted.token, options={"verify_signature": False})
        assert (header, payload) == (HEADER, PAYLOAD)

    @given(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=128), st.text(min_size=32))
    def test_it_is_to_the_letter_what_pyjwt_makes(self, identity: str, secret: str) -> None:
        minted = mint(replace(OURS, api_secret=secret), identity, "standup", 3600, NOW).token
        payload = jwt.decode(minted, options={"verify_signature": False})
        assert minted == jwt.encode(payload, secret, "HS256", headers={"cty": "twilio-fpa;v=1"})

    def test_a_secret_that_is_not_utf_8_in_the_environment_signs_and_checks(self) -> None:
        ours = replace(OURS, api_secret=os.fsdecode(b"\xff" * 32))
        minted = mint(ours, "alice", "standup", 3600, NOW).token
        assert verify(minted, {ours.api_key: ours}, "standup", NOW).identity == "alice"

    def test_without_a_room_the_video_grant_is_empty(self) -> None:
        token = mint(OURS, "alice", None, 60, NOW).token
        grants = jwt.decode(token, options={"verify_signature": False})["grants"]
        assert grants == {"identity": "alice", "video": {}}

    def test_twilio_s_helper_decodes_it_and_accepts_its_signature(self) -> None:
        token = mint(OURS, "alice", "standup", 3600, datetime.now(UTC)).token
        decoded = TwilioToken.from_jwt(token, OURS.api_secret)
        assert decoded.issuer == OURS.api_key
        assert decoded.payload["grants"] == PAYLOAD["grants"]

    def test_it_says_when_it_was_issued_and_when_it_expires(self) -> None:
        minted = mint(OURS, "alice", None, 90, NOW)
        assert minted.issued_at == NOW.replace(microsecond=0)
        assert minted.expires_at == minted.issued_at + timedelta(seconds=90)
        assert minted.ttl_seconds == 90

    @pytest.mark.parametrize(
        ("ttl", "why"), [(0, "1 second at least"), (-1, "1 second"), (86401, "24 hours")]
    )
    def test_a_life_out_of_range_is_refused_with_the_reason(self, ttl: int, why: str) -> None:
        with pytest.raises(ValueError, match=why):
            mint(OURS, "alice", None, ttl, NOW)

    @pytest.mark.parametrize("ttl", [1, 86400])
    def test_the_shortest_and_the_longest_life_verify(self, ttl: int) -> None:
        assert verify(mint(OURS, "alice", None, ttl, NOW).token, KNOWN, "any", NOW).identity == "alice"

    @pytest.mark.parametrize(("identity", "code"), [("", 53200), ("x" * 129, 53201), ("a\x1b[2J", 53202)])
    def test_an_identity_that_no_server_takes_is_refused(self, identity: str, code: int) -> None:
        with pytest.raises(RoomError) as caught:
            mint(OURS, identity, None, 60, NOW)
        assert caught.value.code == code

    @pytest.mark.parametrize(("room", "code"), [("", 53100), ("x" * 129, 53101), ("a\n", 53102)])
    def test_a_room_name_that_no_server_takes_is_refused(self, room: str, code: int) -> None:
        with pytest.raises(RoomError) as caught:
            mint(OURS, "alice", room, 60, NOW)
        assert caught.value.code == code

    @pytest.mark.parametrize("secret", ["", "-----BEGIN PRIVATE KEY-----\nMA==\n-----END PRIVATE KEY-----"])
    def test_a_secret_that_cannot_sign_is_20107(self, secret: str) -> None:
        with pytest.raises(TokenError) as caught:
            mint(replace(OURS, api_secret=secret), "alice", None, 60, NOW)
        assert caught.value.code == 20107

    def test_a_short_secret_signs_without_a_python_warning(self) -> None:
        short = replace(OURS, api_secret="short")
        token = mint(short, "alice", None, 60, NOW).token
        assert verify(token, {short.api_key: short}, None, NOW).identity == "alice"

    def test_neither_token_nor_secret_shows_in_a_repr(self) -> None:
        minted = mint(OURS, "alice", None, 60, NOW)
        assert minted.token not in repr(minted)
        assert OURS.api_secret not in repr(OURS)

    @given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=128))
    def test_every_printable_name_survives_the_journey(self, name: str) -> None:
        grants = verify(mint(OURS, name, name, 60, NOW).token, KNOWN, name, NOW)
        assert (grants.identity, grants.room) == (name, name)


class TestVerifying:
    def test_a_good_token_yields_its_grants(self) -> None:
        grants = verify(signed(), KNOWN, "standup", NOW)
        assert (grants.identity, grants.room, grants.api_key) == ("alice", "standup", OURS.api_key)
        assert grants.expires_at == datetime.fromtimestamp(ISSUED + 3600, UTC)

    def test_a_token_of_twilio_s_helper_verifies(self) -> None:
        token = TwilioToken(
            OURS.account_sid,
            OURS.api_key,
            OURS.api_secret,
            identity="bob",
            grants=[VideoGrant(room="standup")],
        )
        grants = verify(token.to_jwt(), KNOWN, "standup", datetime.now(UTC))
        assert (grants.identity, grants.room) == ("bob", "standup")

    def test_a_token_of_twilio_s_helper_that_lives_24_hours_verifies_though_it_has_no_iat(self) -> None:
        token = TwilioToken(
            OURS.account_sid, OURS.api_key, OURS.api_secret, identity="bob", grants=[VideoGrant()], ttl=86400
        ).to_jwt()
        assert "iat" not in jwt.decode(token, options={"verify_signature": False})
        assert verify(token, KNOWN, None, datetime.now(UTC)).identity == "bob"

    @pytest.mark.parametrize(
        "token",
        [
            "",
            "hello",
            "a.b",
            "a.b.c",
            "....",
            "é.é.é",
            "\ud800.\ud800.\ud800",
            signed() + ".x",
            signed(header=[]),
            signed(payload="text"),
            f"{b64(b'{')}.{b64(b'{}')}.",
            f"{b64(json.dumps(HEADER).encode())}.{b64(bytes([0xFF, 0xFE]))}.",
        ],
    )
    def test_what_is_no_token_is_20101(self, token: str) -> None:
        assert refusal(token) == 20101

    @pytest.mark.parametrize(
        "header",
        [
            {"typ": "JWT", "cty": "twilio-fpa;v=1"},
            HEADER | {"alg": "none"},
            HEADER | {"alg": "RS256"},
            HEADER | {"alg": "HS512"},
            HEADER | {"alg": ["HS256"]},
            HEADER | {"typ": "jose"},
            HEADER | {"cty": "twilio-fpa;v=2"},
            {"alg": "HS256", "typ": "JWT"},
        ],
    )
    def test_another_header_is_20102_even_with_a_good_signature(self, header: object) -> None:
        assert refusal(signed(header=header)) == 20102

    def test_an_unsigned_token_with_alg_none_is_20102(self) -> None:
        assert refusal(jwt.encode(PAYLOAD, "", "none", headers={"cty": "twilio-fpa;v=1"})) == 20102

    @pytest.mark.parametrize(
        "claims",
        [
            {"iss": "SK" + "2" * 32},
            {"iss": MISSING},
            {"iss": ["SK"]},
            {"iss": {}},
            {"sub": "AC" + "9" * 32},
            {"sub": MISSING},
        ],
    )
    def test_an_unknown_key_or_another_account_is_20103(self, claims: Mapping[str, object]) -> None:
        assert refusal(with_claims(**claims)) == 20103

    def test_another_secret_is_20107(self) -> None:
        assert refusal(signed(secret="t" * 32)) == 20107

    def test_a_changed_payload_is_20107(self) -> None:
        head, _, signature = signed().split(".")
        other = b64(json.dumps(PAYLOAD | {"exp": ISSUED + 7200}).encode())
        assert refusal(f"{head}.{other}.{signature}") == 20107

    def test_a_missing_signature_is_20107(self) -> None:
        assert refusal(signed().rpartition(".")[0] + ".") == 20107

    @pytest.mark.parametrize("not_before", [ISSUED + 1, "soon", None, True, float("nan")])
    def test_a_token_that_is_not_valid_yet_is_20105(self, not_before: object) -> None:
        assert refusal(with_claims(nbf=not_before)) == 20105

    def test_a_token_is_valid_from_nbf_on(self) -> None:
        assert verify(with_claims(nbf=ISSUED), KNOWN, "standup", NOW).identity == "alice"

    @pytest.mark.parametrize(
        "claims",
        [
            {"exp": ISSUED},
            {"exp": MISSING},
            {"exp": None},
            {"exp": "9999999999"},
            {"exp": True},
            {"exp": float("inf")},
            {"exp": 10**400},
            {"exp": -1},
            {"exp": ISSUED + 86401},
            {"iat": MISSING, "nbf": ISSUED, "exp": ISSUED + 86401},
            {"iat": MISSING, "exp": ISSUED + 86402},
            {"iat": "yesterday"},
        ],
    )
    def test_a_life_that_is_over_missing_or_too_long_is_20104(self, claims: Mapping[str, object]) -> None:
        assert refusal(with_claims(**claims)) == 20104

    @pytest.mark.parametrize(
        ("claims", "why"),
        [
            ({"exp": ISSUED}, "The token's life is over"),
            ({"iat": ISSUED - 86402, "exp": ISSUED}, "The token's life is over"),
            ({"exp": ISSUED + 10 * 86400}, "longer than 24 hours"),
            ({"exp": MISSING}, "exp, when the token expires, is missing"),
            ({"exp": None}, "exp of the token is no time"),
            ({"exp": "9999999999"}, "exp of the token is no time"),
            ({"exp": float("nan")}, "exp of the token is no time"),
            ({"iat": "yesterday"}, "iat of the token is no time"),
            ({"nbf": "tomorrow"}, "nbf of the token is no time"),
        ],
    )
    def test_a_life_is_refused_with_the_reason_that_is_true(
        self, claims: Mapping[str, object], why: str
    ) -> None:
        with pytest.raises(TokenError) as refused:
            verify(with_claims(**claims), KNOWN, "standup", NOW)
        assert why in refused.value.explanation

    def test_a_token_expires_at_the_very_second_of_exp_by_the_time_handed_in(self) -> None:
        end = datetime.fromtimestamp(ISSUED + 3600, UTC)
        assert verify(signed(), KNOWN, "standup", end - timedelta(microseconds=1)).identity == "alice"
        assert refusal(signed(), now=end) == 20104

    def test_the_wall_clock_does_not_matter(self) -> None:
        long_ago = datetime(1999, 1, 1, tzinfo=UTC)
        token = mint(OURS, "alice", None, 60, long_ago).token
        assert verify(token, KNOWN, None, long_ago).identity == "alice"

    @pytest.mark.parametrize(
        "grants",
        [
            MISSING,
            None,
            [],
            "video",
            {},
            {"identity": "alice"},
            {"identity": "alice", "video": True},
            {"identity": "alice", "video": {"room": 7}},
        ],
    )
    def test_no_video_grant_is_20106(self, grants: object) -> None:
        assert refusal(with_claims(grants=grants)) == 20106

    @pytest.mark.parametrize(
        ("identity", "code"),
        [(None, 53200), ("", 53200), (7, 53200), ("x" * 129, 53201), ("a\x00b", 53202), ("\ud800", 53202)],
    )
    def test_a_bad_identity_has_its_code(self, identity: object, code: int) -> None:
        assert refusal(with_claims(grants={"identity": identity, "video": {}})) == code

    def test_a_grant_for_another_room_is_20106(self) -> None:
        assert refusal(signed(), room="cellar") == 20106

    @pytest.mark.parametrize("video", [{}, {"room": None}, {"room": ""}])
    def test_a_grant_without_a_room_opens_every_room(self, video: object) -> None:
        token = with_claims(grants={"identity": "alice", "video": video})
        assert verify(token, KNOWN, "cellar", NOW).room is None

    def test_a_room_may_be_granted_by_its_sid(self) -> None:
        sid = "RM" + "a" * 32
        grants = verify(with_claims(grants={"identity": "a", "video": {"room": sid}}), KNOWN, None, NOW)
        check_room_grant(grants, ("standup", sid))
        with pytest.raises(TokenError, match="20106"):
            check_room_grant(grants, ("standup",))


FAULTS: list[tuple[int, dict[str, object], dict[str, object]]] = [
    (20102, {"alg": "HS384"}, {}),
    (20103, {}, {"iss": "SK-unknown"}),
    (20107, {}, {}),
    (20105, {}, {"nbf": ISSUED + 1000}),
    (20104, {}, {"exp": ISSUED}),
    (20106, {}, {"grants": {"identity": ""}}),
    (53200, {}, {"grants": {"identity": "", "video": {"room": "cellar"}}}),
]
"""Code, header and claims of each fault, in the order of rule 13."""


@pytest.mark.parametrize("first", range(len(FAULTS)))
def test_of_several_faults_the_first_of_rule_13_is_named(first: int) -> None:
    header: dict[str, object] = dict(HEADER)
    claims = dict(PAYLOAD)
    for _, bad_header, bad_claims in reversed(FAULTS[first:]):
        header |= bad_header
        claims |= bad_claims
    has_bad_signature = any(code == 20107 for code, _, _ in FAULTS[first:])
    token = signed(header, claims, secret="t" * 32 if has_bad_signature else OURS.api_secret)
    assert refusal(token) == FAULTS[first][0]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(
    ["alg", "typ", "cty", "crit", "b64", "kid", "iss", "sub", "iat", "nbf", "exp", "grants"]
)
objects = st.dictionaries(names | st.text(), json_values, max_size=6)


def found(token: str, room: str | None = "standup", known: Mapping[str, Credentials] = KNOWN) -> list[object]:
    return [refusal.code for refusal in inspect(token, known, room, NOW).refusals]


class TestInspecting:
    def test_a_good_token_has_nothing_against_it(self) -> None:
        inspection = inspect(signed(), KNOWN, "standup", NOW)
        assert (inspection.refusals, inspection.is_signature_valid) == ((), True)
        assert (inspection.header, inspection.payload) == (HEADER, PAYLOAD)
        assert inspection.claims == peek(signed())

    def test_all_faults_are_found_in_the_order_of_rule_13(self) -> None:
        claims = {
            "nbf": ISSUED + 1000,
            "exp": ISSUED,
            "grants": {"identity": "", "video": {"room": "cellar"}},
        }
        token = signed(HEADER | {"alg": "none"}, PAYLOAD | claims, secret="t" * 32)
        assert found(token) == [20102, 20107, 20105, 20104, 53200, 20106]

    def test_a_key_that_is_not_at_hand_leaves_issuer_and_signature_open(self) -> None:
        inspection = inspect(signed(), {}, "standup", NOW)
        assert (inspection.refusals, inspection.is_signature_valid) == ((), None)
        assert found(with_claims(exp=ISSUED), known={}) == [20104]

    @pytest.mark.parametrize("claims", [{"iss": MISSING}, {"iss": 7}, {"sub": MISSING}])
    def test_a_token_that_names_no_key_or_account_is_refused_by_everybody(
        self, claims: Mapping[str, object]
    ) -> None:
        assert found(with_claims(**claims), known={}) == [20103]

    @pytest.mark.parametrize("algorithm", ["HS384", "none"])
    def test_the_signature_is_checked_whatever_the_header_says_of_it(self, algorithm: str) -> None:
        inspection = inspect(signed(HEADER | {"alg": algorithm}), KNOWN, "standup", NOW)
        assert ([each.code for each in inspection.refusals], inspection.is_signature_valid) == ([20102], True)

    def test_the_key_at_hand_of_another_account_is_20103(self) -> None:
        assert found(with_claims(sub="AC" + "9" * 32)) == [20103]

    def test_what_is_no_token_is_20101(self) -> None:
        with pytest.raises(TokenError, match="20101"):
            inspect("hello", KNOWN, None, NOW)

    @given(objects, objects)
    def test_it_finds_something_exactly_if_a_server_refuses(
        self, header: dict[str, Any], claims: dict[str, Any]
    ) -> None:
        token = signed(HEADER | header, PAYLOAD | claims)
        said: int | None = None
        try:
            verify(token, KNOWN, "standup", NOW)
        except VideoError as refused:
            said = refused.code
        with suppress(TokenError):
            inspection = inspect(token, KNOWN, "standup", NOW)
            is_foreign = said == 20103 and inspection.is_signature_valid is None
            assert is_foreign or [each.code for each in inspection.refusals][:1] == [said] * (
                said is not None
            )


class TestPeeking:
    def test_it_tells_what_the_token_says_without_checking_it(self) -> None:
        claims = peek(signed(secret="another secret of somebody else!!"))
        assert (claims.api_key, claims.account_sid) == (OURS.api_key, OURS.account_sid)
        assert (claims.identity, claims.room) == ("alice", "standup")
        assert claims.issued_at == datetime.fromtimestamp(ISSUED, UTC)
        assert claims.expires_at == datetime.fromtimestamp(ISSUED + 3600, UTC)
        assert claims.not_before is None

    @pytest.mark.parametrize("payload", [{}, {"grants": 1, "exp": "x", "iss": 1}, {"grants": {"video": []}}])
    def test_what_is_missing_or_of_another_type_is_none(self, payload: object) -> None:
        claims = peek(signed(payload=payload))
        assert (claims.api_key, claims.identity, claims.room, claims.expires_at) == (None,) * 4

    def test_what_is_no_token_is_20101(self) -> None:
        with pytest.raises(TokenError, match="20101"):
            peek("hello")


HUGE_NUMBER = b'{"exp":' + b"9" * 11_000 + b"}"


class TestHostileTokens:
    @given(st.text())
    def test_any_text_is_a_token_error_and_nothing_else(self, text: str) -> None:
        with pytest.raises(TokenError):
            verify(text, KNOWN, "standup", NOW)
        with pytest.raises(TokenError):
            peek(text)

    @given(objects, objects)
    def test_any_header_and_claims_are_judged_and_never_crash(
        self, header: dict[str, Any], claims: dict[str, Any]
    ) -> None:
        token = signed(HEADER | header, PAYLOAD | claims)
        for attempt in (lambda: verify(token, KNOWN, "standup", NOW), lambda: peek(token)):
            with suppress(TokenError, RoomError):
                attempt()

    @pytest.mark.parametrize(
        "token",
        [
            "." * 50_000_000,
            "a" * 50_000_000,
            f"{b64(b'[' * 12_000)}.e30.",
            f"e30.{b64(b'[' * 12_000)}.",
            f"{b64(json.dumps(HEADER).encode())}.{b64(HUGE_NUMBER)}.",
        ],
        ids=["dots", "long", "deep header", "deep payload", "huge number"],
    )
    def test_a_huge_or_deep_token_is_refused_at_once(self, token: str) -> None:
        before = time.process_time()
        assert refusal(token) == 20101
        assert time.process_time() - before < 1
