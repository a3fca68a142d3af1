"""Lost answers, servers that stop, streams that break: what is asked again, and what is not."""

import asyncio
import base64
import json
import subprocess
import sys
import unittest
import unittest.mock

import support
from fake_server import FakeServer, answer, chunks

from outhaul import errors
from outhaul._client.client import AsyncClient, Client
from outhaul._client.follow import End, LogPiece, StateChange, cut, pause, _Gap
from outhaul._client.query import run_path

RUN = "k3v9x2m4q7t0b8wz"
LOST = (b"", False)
HALF = (answer(b'{"a": 1}')[:-3], False)
STOPPING = (answer(b'{"code": "stopping", "message": "the server is stopping"}', "503 Service Unavailable"), True)


def log(offset, data):
    frame = {"stream": "stdout", "offset": offset, "next": offset + len(data), "data": base64.b64encode(data).decode()}
    return f"event: log\ndata: {json.dumps(frame)}\n\n".encode()


def event(name, value):
    return f"event: {name}\ndata: {json.dumps(value)}\n\n".encode()


def entry(seq):
    return event("event", {"seq": seq, "at": "2026-11-27T10:00:00Z", "event": {"kind": "queued"}})


END = event("end", {"id": RUN, "state": "Completed"})


class Requests(unittest.TestCase):
    def ask(self, answers, *request, **more):
        """The answer by the blocking and the awaited client, and what the server was asked."""
        outcomes = []
        for awaited in (False, True):
            with FakeServer(answers) as server:

                async def asked():
                    return await AsyncClient(server.home, start=False).request(*request, **more)

                try:
                    if awaited:
                        found = asyncio.run(asked())
                    else:
                        client = Client(server.home, start=False)
                        try:
                            found = client.request(*request, **more)
                        finally:
                            client.close()
                except errors.OuthaulError as error:
                    found = (type(error), error.message, error.hint, error.code)
                outcomes.append((found, [r.split(b"\r\n")[0] for r in server.requests], server.answers))
        self.assertEqual(outcomes[0], outcomes[1])
        found, requests, left = outcomes[0]
        self.assertEqual(left, [], "not all answers were asked for")
        return found, len(requests)

    def test_reading_is_repeated(self):
        good = (answer(b'{"a": 1}'), True)
        for answers in ([good], [LOST, good], [HALF, good], [STOPPING, LOST, HALF, good]):
            self.assertEqual(self.ask(answers, "GET", "/runs"), ({"a": 1}, len(answers)))

    def test_writing_is_not_unless_it_may_be(self):
        found, count = self.ask([LOST], "POST", "/environments", body={})
        self.assertEqual((found[0], count), (errors.ConnectionLostError, 1))
        found, count = self.ask([HALF], "POST", "/environments", body={})
        self.assertEqual((found[0], count), (errors.ConnectionLostError, 1))
        self.assertEqual(self.ask([LOST, (answer(), True)], "POST", "/x", body={}, repeat=True), ({}, 2))
        # A server that refuses because it is stopping has changed nothing.
        self.assertEqual(self.ask([STOPPING, (answer(), True)], "POST", "/environments", body={}), ({}, 2))

    @unittest.mock.patch("outhaul._client.core._FIRST_PAUSE", 0.001)
    def test_it_is_given_up_some_day(self):
        found, count = self.ask([LOST] * 6, "GET", "/runs")
        self.assertEqual((found[0], count), (errors.ConnectionLostError, 6))
        found, count = self.ask([STOPPING] * 6, "GET", "/runs")
        self.assertEqual((found[0], count), (errors.ServerStoppingError, 6))

    def test_errors_have_classes(self):
        for code, status, kind in [
            ("bad_request", 400, errors.BadRequestError),
            ("not_found", 404, errors.NotFoundError),
            ("conflict", 409, errors.ConflictError),
            ("environment", 422, errors.EnvironmentBuildError),
            ("internal", 500, errors.ServerError),
            ("target", 502, errors.TargetError),
            ("brand_new", 418, errors.OuthaulError),
        ]:
            body = json.dumps({"code": code, "message": "m", "hint": "h"}).encode()
            found, _ = self.ask([(answer(body, f"{status} X"), True)], "GET", "/x")
            self.assertEqual(found, (kind, "m", "h", code))
        for body in (b"Method Not Allowed", b'{"message": 3}', b"[]"):
            found, _ = self.ask([(answer(body, "405 X"), True)], "GET", "/x")
            self.assertIs(found[0], errors.ProtocolError)
            self.assertIn("405", found[1])
        found, _ = self.ask([(answer(b"no JSON"), True)], "GET", "/x")
        self.assertIs(found[0], errors.ProtocolError)
        self.assertEqual(self.ask([(answer(b""), True)], "DELETE", "/x"), (None, 1))

    def test_a_message_and_its_hint_are_shown(self):
        self.assertEqual(str(errors.NotFoundError("no run", "look")), "no run\nhint: look")
        self.assertEqual(str(errors.NotFoundError("no run")), "no run")
        self.assertIsInstance(errors.NotFoundError("x"), LookupError)
        self.assertIsInstance(errors.BadRequestError("x"), ValueError)

    def test_the_connection_is_kept(self):
        with FakeServer([(answer(), True)] * 3) as server:
            client = Client(server.home, start=False)
            for _ in range(3):
                client.request("GET", "/x")
            self.assertEqual(server.connections, 1)
            client.close()

    def test_a_write_takes_a_new_connection(self):
        with FakeServer([(answer(), True)] * 2) as server:
            client = Client(server.home, start=False)
            client.request("GET", "/x")
            client.request("POST", "/x")
            self.assertEqual(server.connections, 2)
            client.close()

    def test_a_forked_process_takes_its_own_connection(self):
        with FakeServer([(answer(), True)] * 2) as server:
            code = (
                "import os, sys\nfrom outhaul._client.client import Client\n"
                "client = Client(sys.argv[1], start=False)\nassert client.request('GET', '/x') == {}\n"
                "child = os.fork()\nif child == 0:\n    os._exit(client.request('GET', '/x') != {})\n"
                "assert os.waitpid(child, 0)[1] == 0"
            )
            subprocess.run([sys.executable, "-c", code, server.home], env={"PYTHONPATH": support.PYTHON}, check=True)
            self.assertEqual((server.connections, len(server.requests)), (2, 2))

    def test_no_server(self):
        with FakeServer([]) as server:
            home = server.home
        for request in (lambda c: c.request("GET", "/runs"), lambda c: list(c.log(RUN))):
            with self.assertRaises(errors.ServerNotRunningError) as caught:
                request(Client(home, start=False))
            self.assertIn(home, caught.exception.message)
        with self.assertRaises(errors.ProgramNotFoundError):
            Client(home, program="/nowhere/outhaul").request("GET", "/runs")


class Following(unittest.TestCase):
    def both(self, answers, call):
        """What both clients give; `call` takes a client."""
        found = []
        for awaited in (False, True):
            with FakeServer(answers) as server:

                async def collected():
                    return [item async for item in call(AsyncClient(server.home, start=False))]

                found.append(asyncio.run(collected()) if awaited else list(call(Client(server.home, start=False))))
                self.assertEqual(server.answers, [])
                self.paths = [request.split(b" ")[1].decode() for request in server.requests]
        self.assertEqual(found[0], found[1])
        return found[0]

    def test_a_broken_stream_goes_on_where_it_was(self):
        run = {"id": RUN, "state": "Running"}
        answers = [
            (chunks(event("run", run), log(0, b"one\n"), b": \n\n", log(4, b"two"), end=False), False),
            LOST,
            STOPPING,
            (chunks(log(4, b"two\nthr"), event("end", {"reason": "server stopping"})), True),
            # Bytes are missing: asked again.
            (chunks(log(20, b"?")), True),
            (chunks(log(11, b"ee"), END), True),
        ]
        items = self.both(answers, lambda client: client.follow(RUN, states=True))
        data = b"".join(item.data for item in items if isinstance(item, LogPiece))
        self.assertEqual(data, b"one\ntwo\nthree")
        self.assertEqual([item.run for item in items if isinstance(item, StateChange)], [run])
        self.assertEqual(items[-1], End({"id": RUN, "state": "Completed"}))
        self.assertEqual([path.split("offset=")[1].split("&")[0] for path in self.paths], ["0", "7", "7", "7", "11", "11"])

    def test_events_come_once(self):
        answers = [
            (chunks(entry(1), entry(2), end=False), False),
            (chunks(entry(2), entry(4)), True),
            (chunks(entry(3), END), True),
        ]
        items = self.both(answers, lambda client: client.events(RUN))
        self.assertEqual([item.entry["seq"] for item in items[:-1]], [1, 2, 3])
        self.assertIsInstance(items[-1], End)

    def test_a_refusal_is_told_at_once(self):
        body = b'{"code": "not_found", "message": "there is no run"}'
        with self.assertRaises(errors.NotFoundError):
            self.both([(answer(body, "404 Not Found"), True)], lambda client: client.follow(RUN))

    def test_nonsense_is_an_error(self):
        for nonsense in (event("log", {"stream": "x"}), b"event: log\ndata: {\n\n"):
            with self.assertRaises(errors.ProtocolError):
                self.both([(chunks(nonsense), True)], lambda client: client.follow(RUN))

    def test_a_wait_has_an_end(self):
        from outhaul._ops import runs

        with FakeServer([(chunks(entry(1), end=False), True)]) as server:
            client = Client(server.home, start=False)
            with self.assertRaisesRegex(TimeoutError, "has not ended after 0.05 seconds"):
                client.block(runs.wait(client.core, RUN, 0.05))

    def test_pieces_are_cut_to_what_is_new(self):
        def piece(begin, data):
            return LogPiece("stdout", begin, begin + len(data), data)

        self.assertEqual(cut(piece(0, b"abc"), 0), piece(0, b"abc"))
        self.assertEqual(cut(piece(0, b"abc"), 2), piece(2, b"c"))
        self.assertIsNone(cut(piece(0, b"abc"), 3))
        with self.assertRaises(_Gap):
            cut(piece(4, b"abc"), 3)
        self.assertEqual([pause(n) for n in (0, 1, 8, 40)], [0.005, 0.01, 1.0, 1.0])

    def test_leaving_a_stream_closes_it(self):
        with FakeServer([(chunks(log(0, b"one\n"), end=False), True)]) as server:
            client = Client(server.home, start=False)
            for data in client.log(RUN, follow=True):
                self.assertEqual(data, b"one\n")
                break
            self.assertEqual(len(server.requests), 1)
            self.assertIn(run_path(RUN, "/logs").encode(), server.requests[0])


if __name__ == "__main__":
    unittest.main()
