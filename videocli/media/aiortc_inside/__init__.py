"""Everything that depends on private parts of aiortc and aioice, and the media transport built with them.

aiortc's own `RTCPeerConnection`, sender and receiver are not used: they cannot restart ICE, decode what we
only carry, and commit an offer when they describe it. Used are its DTLS and SCTP transports, its RTP and SDP
parsers, and aioice's `Connection`. There is one ICE and one DTLS transport for everything (BUNDLE, RFC 9143).
"""

from videocli.media.aiortc_inside.guard import check_versions

check_versions()
