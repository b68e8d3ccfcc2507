"""Ways in which one function of 128 MB does its worst to the server that runs it. Each lasts as long as its event says.

The program is one file with a function for each way, so that an attack needs no deployment of its own. It is written for
the benchmark and for tests/hostile; it harms nothing but the server's time and memory, and gives up by itself.
"""

from __future__ import annotations

from typing import Final

ATTACKS: Final = (
    "pings",
    "unsigned",
    "signed",
    "newlines",
    "long_lines",
    "endless_headers",
    "unread_answers",
    "connections",
    "tiny_chunks",
    "illegal_next",
    "trickles",
    "crashes",
)

PROGRAM: Final = r'''
import json, os, socket, threading, time

RUNTIME, GATEWAY = ("127.0.0.1", 9001), ("127.0.0.1", 4566)
PING = b"GET /2018-06-01/ping HTTP/1.1\r\nHost: a\r\n\r\n"
NEXT = b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: a\r\n\r\n"
UNSIGNED = b"GET /2015-03-31/functions HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = b"POST /2018-06-01/runtime/invocation/x/response HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

def handler(event, context):
    end = time.monotonic() + event["seconds"]
    return ATTACKS[event["attack"]](end)

def flood(address, request, end, *, read=True, connections=4):
    """Pipeline a request over some connections, for as long as it lasts."""
    sent = [0] * connections
    def one(number):
        batch = request * max(1, 65536 // len(request))
        while time.monotonic() < end:
            try:
                with socket.create_connection(address, timeout=1) as link:
                    if read:
                        threading.Thread(target=drain, args=(link,), daemon=True).start()
                    while time.monotonic() < end:
                        link.sendall(batch)
                        sent[number] += len(batch)
            except OSError:
                time.sleep(0.001)
    threads = [threading.Thread(target=one, args=(number,)) for number in range(connections)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return sum(sent)

def drain(link):
    try:
        while link.recv(65536): pass
    except OSError:
        return

def signed(end):
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials
    keys = Credentials(*(os.environ[f"AWS_{name}"] for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "SESSION_TOKEN")))
    asked = AWSRequest("GET", "http://127.0.0.1:4566/2015-03-31/functions/")
    SigV4Auth(keys, "lambda", os.environ["AWS_REGION"]).add_auth(asked)
    lines = "".join(f"{name}: {value}\r\n" for name, value in asked.headers.items())
    return flood(GATEWAY, f"GET /2015-03-31/functions/ HTTP/1.1\r\nHost: 127.0.0.1:4566\r\n{lines}\r\n".encode(), end)

def newlines(end):
    return written(b"\n" * 65536, end)

def long_lines(end):
    return written(b"x" * 262143 + b"\n", end)

def written(block, end):
    total = 0
    while time.monotonic() < end:
        total += os.write(1, block)
    return total

def endless_headers(end):
    links = []
    def more():
        try:
            link = socket.create_connection(RUNTIME if len(links) % 2 else GATEWAY, timeout=0.2)
            link.sendall(b"GET / HTTP/1.1\r\n")
            links.append(link)
        except OSError:
            return
    for _ in range(60): more()
    line = b"".join(b"a%d: \r\n" % number for number in range(1000))
    while time.monotonic() < end:
        for link in list(links):
            try:
                link.sendall(line)
            except TimeoutError:
                pass
            except OSError:
                links.remove(link)
                more()
        if not links:
            time.sleep(0.01)
            for _ in range(60): more()
    return len(links)

def unread_answers(end):
    links = []
    def one():
        while time.monotonic() < end:
            try:
                link = socket.create_connection(GATEWAY, timeout=0.5)
                links.append(link)
                while time.monotonic() < end:
                    link.sendall(UNSIGNED * 100)
            except OSError:
                time.sleep(0.005)
            if len(links) > 200:
                links.pop(0).close()
    threads = [threading.Thread(target=one) for _ in range(30)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    return len(links)

def connections(end):
    count = 0
    while time.monotonic() < end:
        for address in (RUNTIME, GATEWAY):
            try:
                socket.create_connection(address, timeout=0.5).close()
                count += 1
            except OSError:
                time.sleep(0.001)
    return count

def tiny_chunks(end):
    total = 0
    while time.monotonic() < end:
        try:
            with socket.create_connection(RUNTIME, timeout=1) as link:
                link.sendall(CHUNKED)
                while time.monotonic() < end:
                    link.sendall(b"1\r\nx\r\n" * 10000)
                    total += 60000
        except OSError:
            time.sleep(0.001)
    return total

def trickles(end):
    links = []
    while time.monotonic() < end:
        if len(links) < 60:
            try:
                link = socket.create_connection(RUNTIME if len(links) % 2 else GATEWAY, timeout=0.2)
                link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                links.append(link)
            except OSError:
                pass
        for link in list(links):
            try:
                link.send(b"G")
            except OSError:
                links.remove(link)
    return len(links)

def crashes(end):
    children = []
    while time.monotonic() < end:
        try:
            children.append(os.fork())
        except OSError:
            pass
        else:
            if children[-1] == 0:
                hog = bytearray(8 << 20)
                while True: hog = hog + b"x" * 4096
    os._exit(1)

ATTACKS = {
    "pings": lambda end: flood(RUNTIME, PING, end),
    "unsigned": lambda end: flood(GATEWAY, UNSIGNED, end),
    "signed": signed,
    "newlines": newlines,
    "long_lines": long_lines,
    "endless_headers": endless_headers,
    "unread_answers": unread_answers,
    "connections": connections,
    "tiny_chunks": tiny_chunks,
    "illegal_next": lambda end: flood(RUNTIME, NEXT, end),
    "trickles": trickles,
    "crashes": crashes,
}
'''
