"""What to do where no server could be reached, for causes that the codes do not tell apart."""

import ssl

NO_ADDRESS = "Check the host's name in the URL, and that this machine can look names up."
NO_TLS = "The port may speak no TLS: then the URL is ws:// in place of wss://."


def of_tls(failed: OSError) -> str:
    """What to do about a TLS handshake that failed; "": no more than its words say.

    Whoever has a certificate or sends an alert (RFC 8446, section 6) does speak TLS.
    """
    reason = getattr(failed, "reason", None) or ""
    return "" if isinstance(failed, ssl.SSLCertVerificationError) or "ALERT" in reason else NO_TLS
