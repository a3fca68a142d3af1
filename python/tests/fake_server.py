"""A server on a Unix socket that answers by a script: what a test says, also half answers and none."""

import os
import socket
import tempfile
import threading


def answer(body=b"{}", status="200 OK", kind="application/json", build="1+x@/nowhere"):
    """A whole answer."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: {kind}\r\nouthaul-build: {build}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def chunks(*pieces, end=True):
    """An event stream; without its end when the connection is to break."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
    body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head + body + (b"0\r\n\r\n" if end else b"")


class FakeServer:
    """`answers` are given in turn, each as (bytes, whether the connection stays open); requests are kept."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.requests = []
        self.connections = 0
        self._folder = tempfile.TemporaryDirectory()
        self.home = self._folder.name
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(os.path.join(self.home, "server.sock"))
        self._listener.listen(8)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(10)
        self._folder.cleanup()

    def _accept(self):
        while True:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connected,), daemon=True).start()

    def _serve(self, connected):
        with connected:
            while True:
                request = self._read(connected)
                if request is None:
                    return
                if b" /api/v1/server " in request:
                    connected.sendall(answer())
                    continue
                with self._lock:
                    self.requests.append(request)
                    data, stays = self.answers.pop(0)
                connected.sendall(data)
                if not stays:
                    return

    @staticmethod
    def _read(connected):
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connected.recv(65536)
            if not piece:
                return None
            data += piece
        head, _, body = data.partition(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            if line.lower().startswith(b"content-length:"):
                while len(body) < int(line.split(b":")[1]):
                    body += connected.recv(65536)
        return head + b"\r\n\r\n" + body
