"""What we use of aiortc's and aioice's private parts is there, and other releases are refused."""

import inspect

import aioice
import aioice.ice
import pytest
from aioice import stun
from aiortc import RTCSctpTransport, codecs, rtcdtlstransport, rtp, sdp
from aiortc.codecs import h264, vpx
from aiortc.rtcicetransport import connection_kwargs

from videocli.media.aiortc_inside import guard


@pytest.mark.parametrize(("package", "version"), [("aiortc", "1.15.3"), ("aioice", "0.14.0")])
def test_other_releases_are_refused(package: str, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"aiortc": "1.16.0", "aioice": "0.13.9", package: version}
    monkeypatch.setattr(guard, "version", installed.__getitem__)
    with pytest.raises(ImportError, match=rf"{package} .*{version}.*pip install"):
        guard.check_versions()


def test_tested_releases_are_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    installed = {"aiortc": "1.16.7", "aioice": "0.13.9"}
    monkeypatch.setattr(guard, "version", installed.__getitem__)
    guard.check_versions()


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (
            aioice.Connection,
            "_pair_remote_candidate add_remote_candidate build_request close connect data_received "
            "gather_candidates get_component_candidates protocol_lost query_consent sort_check_list "
            "_check_periodic _unfreeze_initial check_complete check_incoming",
        ),
        (
            aioice.ice,
            "CandidatePair ICE_COMPLETED ICE_FAILED StunProtocol relayed_candidate "
            "server_reflexive_candidate",
        ),
        (aioice.ice.StunProtocol, "datagram_received send_stun"),
        (stun, "TransactionError"),
        (
            rtcdtlstransport.RTCDtlsTransport,
            "_handle_rtcp_data _handle_rtp_data _send_data _set_role getLocalParameters start stop",
        ),
        (
            RTCSctpTransport,
            "_data_channel_flush _handle_data _receive_data_chunk getCapabilities start stop",
        ),
        (codecs, "depayload is_rtx"),
        (h264.H264Encoder, "_packetize"),
        (vpx, "PACKET_MAX VpxPayloadDescriptor"),
        (rtp, "HeaderExtensions HeaderExtensionsMap RtcpPacket unpack_remb_fci PACKETS_LOST_MAX"),
        (sdp, "SessionDescription MediaDescription GroupDescription SsrcDescription candidate_from_sdp"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_names_exist(owner: object, names: str) -> None:
    assert [name for name in names.split() if not hasattr(owner, name)] == []


@pytest.mark.parametrize(
    ("owner", "names"),
    [
        (
            aioice.Connection,
            "_check_list _check_list_done _check_list_state _early_checks _early_checks_done "
            "_local_candidates _nominated _protocols _query_consent_task _remote_candidates ice_controlling "
            "remote_is_lite "
            "remote_password remote_username",
        ),
        (aioice.ice.StunProtocol, "receiver transactions"),
        (rtcdtlstransport.RTCDtlsTransport, "_role _rx_srtp _task _tx_srtp"),
        (
            RTCSctpTransport,
            "_advertised_rwnd _inbound_streams _last_received_tsn _sack_misordered _sack_needed",
        ),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_attributes_are_set_by_the_constructor(owner: type, names: str) -> None:
    source = inspect.getsource(owner.__init__)  # type: ignore[misc]  # of the class itself, not of an instance
    assert [name for name in names.split() if f"self.{name}" not in source] == []


def test_dtls_asks_its_ice_transport_for_no_more_than_ours_has() -> None:
    source = inspect.getsource(rtcdtlstransport.RTCDtlsTransport)
    used = {
        part.split("(")[0].split(")")[0].split(",")[0].split()[0]
        for part in source.split("self.transport.")[1:]
    }
    assert used == {"role", "_recv", "_send"}


def test_server_arguments_are_those_of_a_relayed_candidate() -> None:
    from aiortc import RTCIceServer

    arguments = connection_kwargs([RTCIceServer("turn:example.test", username="u", credential="c")])
    parameters = inspect.signature(aioice.ice.relayed_candidate).parameters
    assert set(arguments) <= set(parameters)
