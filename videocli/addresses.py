"""Whether this machine has an address."""

import errno
import socket


def is_local(address: str) -> bool:
    """Whether an interface of this machine has the address; what cannot be found out counts as yes."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address, 0))
    except OSError as failure:
        return failure.errno != errno.EADDRNOTAVAIL
    return True
