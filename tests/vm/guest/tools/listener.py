#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Listen on PORT (tcp and udp, 127.0.0.1 and ::1) and on the abstract unix
socket NAME; write a line to LOG for everything that arrives.

  listener.py PORT NAME LOG
"""
import selectors
import socket
import sys

port, name, log = int(sys.argv[1]), sys.argv[2], sys.argv[3]
selector = selectors.DefaultSelector()


def add(family, kind, address, label):
    s = socket.socket(family, kind)
    if family != socket.AF_UNIX:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(address)
    if kind == socket.SOCK_STREAM:
        s.listen(16)
    selector.register(s, selectors.EVENT_READ, label)


add(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", port), "tcp4")
add(socket.AF_INET6, socket.SOCK_STREAM, ("::1", port), "tcp6")
add(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", port), "udp4")
add(socket.AF_INET6, socket.SOCK_DGRAM, ("::1", port), "udp6")
add(socket.AF_UNIX, socket.SOCK_STREAM, "\0" + name, "abstract")

with open(log, "a", buffering=1) as out:
    out.write("ready\n")
    while True:
        for key, _ in selector.select():
            s = key.fileobj
            if s.type == socket.SOCK_STREAM:
                peer, _ = s.accept()
                peer.close()
            else:
                s.recv(64)
            out.write(key.data + "\n")
