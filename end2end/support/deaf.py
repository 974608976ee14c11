"""A port that takes no connection: its queue is full, and what knocks is not answered.

It prints "listening on PORT", and ends when its standard input is closed.
"""

import socket
import sys

server = socket.socket()
server.bind(("127.0.0.1", 0))
server.listen(0)
waiting = [socket.socket() for _ in range(4)]
for client in waiting:
    client.setblocking(False)
    client.connect_ex(server.getsockname())
print(f"listening on {server.getsockname()[1]}", flush=True)
sys.stdin.read()
