"""Messages between client, supervisor and candidate: one JSON object per packet, with descriptors beside it.

Sockets of type SOCK_SEQPACKET keep packets whole, so that a peer who sends half a message cannot make the other wait
for the rest.
"""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Sequence
from typing import Any

__all__ = ["SOCKET", "ProtocolError", "receive", "send"]

SOCKET = "socket"
"""The name of the socket in the directory of a worker server."""

_LARGEST_PACKET = 1 << 16
_DESCRIPTORS = 36  # a program and its auxiliary tables


class ProtocolError(Exception):
    """The peer sent something that is not a message."""


def send(connection: socket.socket, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
    """Send one message; the descriptors stay open here."""
    socket.send_fds(connection, [json.dumps(message).encode()], descriptors)


def receive(connection: socket.socket, *, trusted: bool = True) -> tuple[dict[str, Any], list[int]]:
    """Receive one message, and the descriptors that came with it.

    Parameters
    ----------
    connection : socket
    trusted : bool
        Whether to take descriptors; otherwise the kernel drops those that were sent.

    Raises
    ------
    EOFError
        When the peer has closed the connection.
    OSError
        When this process has no descriptor left for those that came.
    ProtocolError
        When the packet holds anything but one JSON object.
    """
    if trusted:
        content, descriptors, flags, _ = socket.recv_fds(connection, _LARGEST_PACKET, _DESCRIPTORS)
    else:
        content, descriptors, flags = connection.recv(_LARGEST_PACKET), [], 0
    if not content:
        raise EOFError("the other side closed the connection")
    try:
        if trusted and flags & socket.MSG_CTRUNC:
            raise OSError(errno.EMFILE, "too many open files, none can be opened for the data")
        if flags & socket.MSG_TRUNC:
            raise ValueError("packet too large")
        message = json.loads(content)
        if not isinstance(message, dict):
            raise TypeError("not an object")
    except (OSError, ValueError, TypeError, RecursionError) as error:
        for descriptor in descriptors:
            os.close(descriptor)
        raise error if isinstance(error, OSError) else ProtocolError(str(error)) from None
    return message, descriptors
