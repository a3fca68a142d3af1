"""HTTP and server-sent events as bytes, however they are cut into pieces; paths and ids."""

import random
import unittest

import support  # noqa: F401  (finds the package)

from outhaul._client.query import new_run_id, run_path, segment, segments, with_query
from outhaul._client.sse import HEARTBEAT, Parser
from outhaul._client.wire import Answer, WireError, request
from outhaul.errors import BadRequestError

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-length: 11\r\n\r\nhello world"
CHUNKED = (
    b"HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"5\r\nhello\r\n1;x=y\r\n \r\nA\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
)


def read(data, sizes):
    """The answer, pushed in pieces of these sizes and then in one."""
    answer, body, at = Answer(), b"", 0
    for size in sizes:
        if at >= len(data):
            break
        answer.push(data[at : at + size])
        body += answer.take()
        at += size
    if at < len(data):
        answer.push(data[at:])
    return answer, body + answer.take()


class Http(unittest.TestCase):
    def test_requests(self):
        self.assertEqual(request("GET", "/x", accept="a/b"), b"GET /x HTTP/1.1\r\nHost: outhaul\r\nAccept: a/b\r\n\r\n")
        self.assertEqual(
            request("POST", "/x", b"{}"),
            b"POST /x HTTP/1.1\r\nHost: outhaul\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
        )
        self.assertIn(b"Content-Length: 0\r\n", request("POST", "/x"))

    def test_answers_in_any_pieces(self):
        chance = random.Random(7)
        for data, status, expected in [(PLAIN, 200, b"hello world"), (CHUNKED, 201, b"hello 0123456789")]:
            cuts = [[1] * len(data), [len(data)]] + [[chance.randint(1, 9) for _ in data] for _ in range(50)]
            for sizes in cuts:
                answer, body = read(data, sizes)
                self.assertEqual((answer.status, body, answer.done), (status, expected, True), sizes)
                self.assertTrue(answer.keeps)

    def test_an_answer_that_is_cut_off_is_noticed(self):
        for data in (PLAIN, CHUNKED):
            for end in range(len(data)):
                answer, _ = read(data[:end], [])
                self.assertFalse(answer.done, data[:end])
                with self.assertRaises(WireError):
                    answer.push(b"")

    def test_what_is_no_answer(self):
        for data in (
            b"hello\r\n\r\n",
            b"HTTP/2 200\r\n\r\n",
            b"HTTP/1.1 abc\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n-1\r\n",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\nabc",
            b"x" * 100_000,
        ):
            with self.subTest(data=data[:60]), self.assertRaises(WireError):
                read(data, [])

    def test_no_body(self):
        answer, body = read(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", [])
        self.assertEqual((answer.done, body, answer.keeps), (True, b"", False))


class Events(unittest.TestCase):
    def test_events_in_any_pieces(self):
        data = (
            "event: log\ndata: {\"a\":1}\nid: 5\n\n: \n\ndata: eins\r\ndata:zwei ä\r\n\r\nevent: empty\n\nevent: end\ndata: x\n\n"
        ).encode()
        expected = [("log", '{"a":1}', "5"), (HEARTBEAT, "", None), ("message", "eins\nzwei ä", "5"), ("end", "x", "5")]
        for size in range(1, len(data) + 1):
            parser = Parser()
            found = [tuple(e) for at in range(0, len(data), size) for e in parser.push(data[at : at + size])]
            self.assertEqual(found, expected, size)

    def test_half_an_event_is_none(self):
        self.assertEqual(list(Parser().push(b"event: log\ndata: x\n")), [])


class Paths(unittest.TestCase):
    def test_components_cannot_leave_their_place(self):
        for text, expected in [("abc", "abc"), ("a b/c?d=1&e#f", "a%20b%2Fc%3Fd%3D1%26e%23f"), ("..", "%2E%2E"), ("ä\n%", "%C3%A4%0A%25")]:
            self.assertEqual(segment(text), expected)
        self.assertEqual(segments("outputs/a b/../c"), "outputs/a%20b/%2E%2E/c")

    def test_queries_have_only_what_was_given(self):
        self.assertEqual(with_query("/runs", {"limit": 0, "tag": "a=b c", "x": None, "y": True}), "/api/v1/runs?limit=0&tag=a%3Db%20c&y=true")
        self.assertEqual(with_query("/runs", {"x": None}), "/api/v1/runs")

    def test_ids(self):
        self.assertEqual(run_path("k3v9", "/logs"), "/runs/k3v9/logs")
        for _ in range(50):
            self.assertRegex(new_run_id(), "^[0-9a-hjkmnp-tv-z]{16}$")
        for bad in ("", "../x", "K3V9", "il", "0" * 17, "a b"):
            with self.subTest(id=bad), self.assertRaises(BadRequestError) as caught:
                run_path(bad)
            self.assertIn("outhaul runs list", caught.exception.hint)
        with self.assertRaises(TypeError):
            run_path(7)


if __name__ == "__main__":
    unittest.main()
