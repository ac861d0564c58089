import ssl

import pytest

from videocli import remedies


def failed(kind: type[ssl.SSLError], reason: str) -> ssl.SSLError:
    fault = kind(1, reason)
    fault.reason = reason
    return fault


@pytest.mark.parametrize(
    "fault", [failed(ssl.SSLError, "WRONG_VERSION_NUMBER"), ssl.SSLError("odd"), ConnectionResetError()]
)
def test_who_answers_tls_with_something_else_may_speak_none(fault: OSError) -> None:
    assert remedies.of_tls(fault) == remedies.NO_TLS


@pytest.mark.parametrize(
    "fault",
    [
        failed(ssl.SSLCertVerificationError, "CERTIFICATE_VERIFY_FAILED"),
        failed(ssl.SSLError, "SSLV3_ALERT_HANDSHAKE_FAILURE"),
    ],
)
def test_who_has_a_certificate_or_sends_an_alert_speaks_it(fault: OSError) -> None:
    assert remedies.of_tls(fault) == ""
