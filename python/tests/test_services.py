"""Web services through the package, with the real program: deploying, asking, changing, keys, HTTPS, and what is refused."""

import asyncio
import os
import socket
import ssl
import unittest
from pathlib import Path

from served import PROGRAM, Served

from outhaul import ServiceFailedError, aio, errors
from outhaul._client import scoring
from outhaul._client.deployment import Deployment, emptied, words
from outhaul._client.transport import Async, Blocking, drive
from outhaul._ops import services

SCORE = """
import json, os

def init():
    global weights
    with open(os.environ["AZUREML_MODEL_DIR"] + "/weights.json") as file:
        weights = json.load(file)
    print("weights are", weights)

def run(data):
    return [sum(w * x for w, x in zip(weights, row)) for row in json.loads(data)["data"]]
"""
ROWS = {"data": [[1, 2], [3, 4]]}
BROKEN = "def init():\n    raise ValueError('no weights here')\ndef run(data): pass\n"
ECHO = """
import json, os
from azureml.contrib.services.aml_response import AMLResponse

def init(): pass

def run(data):
    asked = json.loads(data)
    if "raise" in asked:
        raise RuntimeError(asked["raise"])
    if "status" in asked:
        with open(os.environ["ASKED"], "a") as file:
            file.write("x")
        return AMLResponse(bytes(asked["bytes"]), asked["status"])
    return {"asked": asked, "variable": os.environ.get("VARIABLE")}
"""
# Of 127.0.0.1 and localhost, signed by itself, until 2126: openssl req -x509 -newkey ec ... -days 36500.
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBpzCCAU2gAwIBAgIUAvySDz+61BZXqJUMcKIKypT+GNAwCgYIKoZIzj0EAwIw
GjEYMBYGA1UEAwwPdGVzdCBvZiBvdXRoYXVsMCAXDTI2MTEyNzIxMjU0NVoYDzIx
MjYxMTAzMjEyNTQ1WjAaMRgwFgYDVQQDDA90ZXN0IG9mIG91dGhhdWwwWTATBgcq
hkjOPQIBBggqhkjOPQMBBwNCAATZASrzRPUaxOxDBpDj70rDks/ubM4aoCPbf4Ff
0TNC35YWoSfyXHgioKv4tbptqvJ65OOCy98Wk0FCPNhgOtvlo28wbTAdBgNVHQ4E
FgQUNdMaGEAAFmptPw2R+945ug0O1YUwHwYDVR0jBBgwFoAUNdMaGEAAFmptPw2R
+945ug0O1YUwDwYDVR0TAQH/BAUwAwEB/zAaBgNVHREEEzARhwR/AAABgglsb2Nh
bGhvc3QwCgYIKoZIzj0EAwIDSAAwRQIgUINNbD1DA8IqhkPPayUyF0AtdSssYm+B
OkSeXoNdBX4CIQCtA3XgscvyeRwsNFrCCiOA688AlyuYMQQxTvUBugRnXA==
-----END CERTIFICATE-----
"""
KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgZ/XXOk5BZeNzWElI
7e8FjkWGMgNE5ksKcKDH9/l9yJOhRANCAATZASrzRPUaxOxDBpDj70rDks/ubM4a
oCPbf4Ff0TNC35YWoSfyXHgioKv4tbptqvJ65OOCy98Wk0FCPNhgOtvl
-----END PRIVATE KEY-----
"""


class Words(unittest.TestCase):
    def test_what_is_asked_for_becomes_options(self):
        for asked, options in [
            (dict(), []),
            (dict(entry=Path("a/score.py"), source="src"), ["--entry=a/score.py", "--source=src"]),
            (dict(models=["churn:2", "/m"], port=0), ["--model=churn:2", "--model=/m", "--port=0"]),
            (dict(environment={"pip": ["x"]}, python="/p"), ['--environment-spec={"pip": ["x"]}']),
            (dict(environment="env.yml", python="/p"), ["--environment=env.yml"]),
            (dict(python="/p", host="::1"), ["--python=/p", "--host=::1"]),
            (dict(timeout=90.4, max_body="10M", cors=""), ["--timeout=90", "--max-body=10M", "--cors="]),
            (dict(timeout="5m", workers=2, queue=0), ["--workers=2", "--queue=0", "--timeout=5m"]),
            (dict(auth_keys=False), ["--no-auth-keys"]),
            (dict(tls_cert="c", tls_key=Path("k"), auth_keys=True), ["--auth-keys", "--tls-cert=c", "--tls-key=k"]),
            (dict(variables={"A": 1}, tags={"b": True}), ["--env=A=1", "--tag=b=true"]),
            (dict(models=[], tags={}, description=""), ["--description="]),
        ]:
            self.assertEqual(words(Deployment(**asked)), options, asked)
        self.assertEqual(emptied(Deployment(models=[], variables={}, tags={"a": 1})), ["models", "variables"])
        for wrong, text in [
            (dict(tls_cert="c"), "give both"),
            (dict(timeout=-1), "is not a duration"),
            (dict(variables={"A=B": 1}), "cannot be the name of a variable"),
        ]:
            with self.assertRaisesRegex(errors.BadRequestError, text):
                words(Deployment(**wrong))

    def test_the_target_goes_on_by_its_name(self):
        class Program:
            async def call(self, words):
                self.words = words
                return {}

        for target, place in [(None, ["local"]), ("local", ["local"]), ("gpu-box", ["remote", "--target=gpu-box"])]:
            program = Program()
            drive(services.deploy(program, "w", "churn-api", target, Deployment(entry="s.py"), True, False))
            self.assertEqual(program.words[: len(place) + 2], ["deploy", *place, "--detach"])
            self.assertEqual(program.words[-2:], ["--", "churn-api"])
            self.assertTrue({"--overwrite", "--workspace=w", "--entry=s.py", "--detach"} < set(program.words))
        with self.assertRaisesRegex(errors.BadRequestError, "target name `--help` is not allowed"):
            drive(services.deploy(program, None, "churn-api", "--help", Deployment(), False, False))


class Requests(unittest.TestCase):
    def test_bodies(self):
        class Array:
            def tolist(self):
                return [1, 2]

        for data, body in [
            ("text", b"text"),
            ("ä", "ä".encode()),
            (b"\xff", b"\xff"),
            ({"data": Array()}, b'{"data": [1, 2]}'),
            (None, b"null"),
        ]:
            self.assertEqual(scoring.payload(data), body)
        for wrong in ({"data": object()}, {1, 2}, {(1, 2): 3}):
            with self.assertRaisesRegex(errors.BadRequestError, "cannot be written as JSON"):
                scoring.payload(wrong)

    def test_headers_are_one_line_each(self):
        for what, asked in [
            ("content type", dict(content_type="text/plain\r\nx: y", key=None)),
            ("key", dict(content_type="a/b", key="k\r\nx: y")),
            ("key", dict(content_type="a/b", key="ä")),
        ]:
            with self.assertRaisesRegex(errors.BadRequestError, f"the {what} has a letter") as caught:
                scoring.head("h", "/score", 0, **asked)
            self.assertNotIn(asked["key"] or "x: y", str(caught.exception))
        self.assertIn(b"\r\nAuthorization: Bearer secret\r\n", scoring.head("h", "/score", 0, "a/b", "secret"))

    def test_addresses(self):
        for url, found in [
            ("http://127.0.0.1:80", (False, "127.0.0.1", 80, "127.0.0.1:80")),
            ("https://[::1]:8443", (True, "::1", 8443, "[::1]:8443")),
            ("https://churn.example", (True, "churn.example", 443, "churn.example")),
        ]:
            self.assertEqual(scoring.address(url), found)
        with self.assertRaisesRegex(errors.BadRequestError, "is not the address of a web service"):
            scoring.address("ftp://host")

    def test_one_that_does_not_answer_in_time(self):
        with socket.socket() as silent:
            silent.bind(("127.0.0.1", 0))
            silent.listen()
            url = "http://127.0.0.1:{}".format(silent.getsockname()[1])
            # More than any buffer on the way holds: sending waits, too.
            for body in (b"{}", bytes(32 << 20)):
                with self.assertRaises(TimeoutError):
                    drive(scoring.send(Blocking(), url, body, timeout=0.05))
                with self.assertRaises(TimeoutError):
                    asyncio.run(scoring.send(Async(), url, body, timeout=0.05))


class Services(Served):
    def setUp(self):
        self.source = os.path.join(self.work, self.id().rpartition(".")[2])
        os.mkdir(self.source)
        self.write("score.py", SCORE)

    def tearDown(self):
        for service in self.ws.services:
            service.delete()

    def write(self, name, text):
        path = os.path.join(self.source, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def model(self, weights):
        folder = os.path.join(self.source, "net")
        os.makedirs(folder, exist_ok=True)
        self.write("net/weights.json", weights)
        return self.ws.models.register("net", folder)

    def score_script(self):
        # The folder of the model's version has the registered folder in it.
        self.write("score.py", SCORE.replace('"/weights.json"', '"/net/weights.json"'))

    def deploy(self, name, **asked):
        return self.ws.deploy(name, entry="score.py", source=self.source, **asked)

    def test_the_life_of_a_service(self):
        self.score_script()
        model = self.model("[10, 1]")
        service = self.deploy("churn-api", models=[model], tags={"stage": "test"}, description="who leaves")
        self.assertEqual((service.name, service.state, service.target), ("churn-api", "Healthy", "local"))
        self.assertEqual((service.models, service.generation), ([model.id], 1))
        self.assertEqual((service.tags, service.description), ({"stage": "test"}, "who leaves"))
        self.assertFalse(service.is_changing)
        self.assertIsNone(service.error)
        self.assertIsNotNone(service.created_at)
        self.assertIn("churn-api", repr(service))
        self.assertEqual(service.score(ROWS), [12, 34])
        self.assertEqual(service.score('{"data": [[2, 0]]}'), [20])
        self.assertIn("weights are [10, 1]", service.logs().text())

        found = self.ws.services["churn-api"]
        self.assertEqual((found.url, found.run_id), (service.url, service.run_id))
        for asked, names in [
            (dict(), ["churn-api"]),
            (dict(tag="stage=test"), ["churn-api"]),
            (dict(tag="stage=x"), []),
            (dict(model="net"), ["churn-api"]),
            (dict(model=model), ["churn-api"]),
            (dict(model="other"), []),
        ]:
            self.assertEqual([one.name for one in self.ws.services.list(**asked)], names, asked)
        with self.assertRaisesRegex(errors.ConflictError, "there is a web service `churn-api` already"):
            self.deploy("churn-api", models=[model])
        with self.assertRaisesRegex(errors.ConflictError, "churn-api"):
            model.delete()

        with open(os.path.join(self.source, "score.py"), encoding="utf-8") as file:
            text = file.read()
        self.write("score.py", text.replace("sum(", "1000 + sum("))
        self.assertEqual(service.score(ROWS), [12, 34], "only a reload takes it up")
        self.assertEqual(service.reload().score(ROWS), [1012, 1034])
        newer = self.model("[0, 7]")
        self.assertEqual(service.update(models=[newer]).models, [newer.id])
        self.assertEqual(service.score(ROWS), [1014, 1028])
        self.assertEqual((service.url, service.generation), (found.url, 3))
        self.assertEqual(found.refresh().info, service.info)

        self.write("score.py", BROKEN)
        with self.assertRaisesRegex(ServiceFailedError, "service `churn-api` stays as it was") as caught:
            service.reload()
        self.assertIn("ValueError: no weights here", caught.exception.message)
        self.assertIn("Traceback (most recent call last)", str(caught.exception))
        self.assertEqual(service.score(ROWS), [1014, 1028], "what answered goes on")
        self.write("score.py", text)
        replaced = self.deploy("churn-api", models=[f"net:{model.version}"], overwrite=True)
        self.assertEqual(replaced.score(ROWS), [12, 34])
        self.assertIsNone(replaced.error)

        service.delete()
        with self.assertRaisesRegex(errors.NotFoundError, "churn-api"):
            service.refresh()
        with self.assertRaisesRegex(errors.ConnectionLostError, "service `churn-api` does not answer at http://127"):
            service.score(ROWS)
        self.assertEqual(len(self.ws.services), 0)

    def test_a_service_answers_without_the_server(self):
        self.score_script()
        service = self.deploy("alone-api", models=[self.model("[1, 1]")])
        self.outhaul("server", "stop")
        self.assertEqual(service.score(ROWS), [3, 7])
        self.assertFalse(os.path.exists(os.path.join(self.home, "server.sock")), "asking has started the server")

    def test_one_that_never_comes_up(self):
        self.write("score.py", BROKEN)
        with self.assertRaisesRegex(ServiceFailedError, "service `broken-api` did not come up") as caught:
            self.deploy("broken-api")
        told = caught.exception
        self.assertIn("ValueError: no weights here", told.message)
        self.assertEqual((told.code, told.failure_class, told.service["state"]), ("service_failed", "user", "Failed"))
        service = self.ws.services.get("broken-api")
        self.assertEqual((service.state, service.is_changing), ("Failed", False))
        self.assertIn("ValueError: no weights here", service.error.log)
        self.assertEqual(service.error.run_id, told.run["id"])
        self.assertIn("ValueError: no weights here", service.logs().text())
        with self.assertRaises(ServiceFailedError):
            service.wait()
        self.write("score.py", ECHO)
        self.assertEqual(service.reload().state, "Healthy")

    def test_waiting_has_an_end(self):
        gate = os.path.join(self.folder, "gate")
        os.mkfifo(gate)
        self.write("score.py", f"def init():\n    open({gate!r}).close()\ndef run(data):\n    return 1\n")
        service = self.deploy("slow-api", wait=False)
        self.assertEqual((service.state, service.is_changing), ("Transitioning", True))
        with self.assertRaisesRegex(TimeoutError, "service `slow-api` does not answer after 0.05 seconds"):
            service.wait(timeout=0.05)
        open(gate, "w").close()
        self.assertEqual(service.wait().state, "Healthy")
        self.assertEqual(service.score({}), 1)

    def test_keys(self):
        self.write("score.py", ECHO)
        service = self.deploy("keys-api", auth_keys=True)
        self.assertTrue(service.asks_for_key)
        keys = service.keys()
        primary, secondary = keys
        self.assertEqual((keys.primary, keys.secondary), (primary, secondary))
        self.assertNotIn(primary, repr(keys) + str(keys) + repr(service.info))
        with self.assertRaisesRegex(errors.ScoringError, "answered with status 401") as caught:
            service.score({"a": 1}, key="wrong")
        self.assertEqual(caught.exception.status, 401)
        answer = drive(scoring.send(Blocking(), service.url, b"{}"))
        self.assertEqual(answer.status, 401, "without a key")
        for key in (None, primary, secondary):
            self.assertEqual(service.score({"a": 1}, key=key)["asked"], {"a": 1})
        # The new key counts when the next instance answers; meanwhile the other is taken.
        early = service.renew_key("primary", wait=False)
        self.assertNotEqual(early.primary, primary)
        self.assertEqual(service.score({"a": 2})["asked"], {"a": 2})
        service.wait()
        renewed = service.renew_key("primary")
        self.assertNotIn(renewed.primary, (primary, early.primary))
        self.assertEqual(renewed.secondary, secondary)
        self.assertEqual(service.score({}, key=renewed.primary)["asked"], {})
        with self.assertRaises(errors.ScoringError):
            service.score({}, key=primary)
        with self.assertRaisesRegex(errors.BadRequestError, "there is no key `third`"):
            service.renew_key("third")
        self.assertFalse(service.update(auth_keys=False).asks_for_key)
        self.assertEqual(service.score({})["asked"], {})
        with self.assertRaisesRegex(errors.BadRequestError, "asks callers for no key"):
            service.keys()

    def test_answers_that_are_no_json_or_errors(self):
        self.write("score.py", ECHO)
        asked = os.path.join(self.folder, "asked")
        service = self.deploy("echo-api", variables={"VARIABLE": "x y", "ASKED": asked}, max_body="1K", auth_keys=True)
        self.assertEqual(service.score({"a": [1]}), {"asked": {"a": [1]}, "variable": "x y"})
        self.assertEqual(service.score({"status": 200, "bytes": [0, 255]}), b"\x00\xff")
        for data, status, text, hint in [
            ({"raise": "what?"}, 500, "Check the logs", "`outhaul service logs echo-api` has the traceback"),
            ({"status": 418, "bytes": [104, 105]}, 418, "hi", None),
            ({"status": 401, "bytes": [110, 111]}, 401, "no", None),
            ("x" * (5 << 20), 413, "", None),
        ]:
            with self.assertRaisesRegex(errors.ScoringError, f"`echo-api` answered with status {status}: ") as caught:
                service.score(data)
            told = caught.exception
            self.assertEqual(told.status, status)
            self.assertIn(text, told.body.decode())
            if hint:
                self.assertEqual(told.hint, hint)
        self.assertIn("RuntimeError: what?", service.logs().text())
        with open(asked, encoding="utf-8") as file:
            self.assertEqual(len(file.read()), 3, "a refusal of the script's own is not asked for twice")
        with self.assertRaisesRegex(errors.BadRequestError, "cannot be written as JSON"):
            service.score({"data": object()})

    def test_files_as_models_and_what_is_taken_away_again(self):
        weights = Path(self.write("weights.json", "[2, 2]"))
        service = self.deploy("files-api", models=[weights], tags={"a": 1}, variables={"V": 1}, workers=2)
        self.assertEqual((service.models, service.score(ROWS)), (["weights.json"], [6, 14]))
        self.assertEqual(service.info["spec"]["workers"], 2)
        service.update(tags={}, variables={})
        self.assertEqual((service.tags, service.info["spec"]["variables"]), ({}, {}))
        self.assertEqual((service.models, service.generation), (["weights.json"], 2))
        for asked, text in [
            (dict(), "nothing to change is named"),
            (dict(tags={}, workers=1), "`tags` is empty, which goes with no other change"),
            (dict(models="net"), "`models` is a list"),
            (dict(models=[Path("weights.json.not")]), "no model file or folder"),
        ]:
            with self.assertRaisesRegex(errors.BadRequestError, text):
                service.update(**asked)
        self.assertEqual(service.refresh().generation, 2)

    def test_what_cannot_be_deployed_changes_nothing(self):
        for name, asked, kind, text in [
            ("Not_A_Name", dict(), errors.BadRequestError, "service name `Not_A_Name` is not allowed"),
            ("--detach", dict(), errors.BadRequestError, "service name `--detach` is not allowed"),
            ("churn-api", dict(models=["none:1"]), errors.NotFoundError, "there is no model `none:1`"),
            ("churn-api", dict(environment="none.yml"), errors.BadRequestError, "no such environment file"),
            ("churn-api", dict(environment="none"), errors.NotFoundError, "none"),
            ("churn-api", dict(port=70000), errors.BadRequestError, "70000"),
            ("churn-api", dict(host="example.org"), errors.BadRequestError, "example.org"),
            ("churn-api", dict(tls_cert="c.pem"), errors.BadRequestError, "give both"),
        ]:
            with self.assertRaisesRegex(kind, text):
                self.deploy(name, **asked)
        with self.assertRaisesRegex(errors.BadRequestError, "no entry script"):
            self.ws.deploy("churn-api")
        with self.assertRaisesRegex(errors.BadRequestError, "there is no entry script `none.py`"):
            self.ws.deploy("churn-api", entry="none.py", source=self.source)
        self.assertEqual(list(self.ws.services), [])

    def test_https(self):
        self.write("score.py", ECHO)
        certificate, key = self.write("cert.pem", CERTIFICATE), self.write("key.pem", KEY)
        os.chmod(key, 0o600)
        service = self.deploy("tls-api", tls_cert=certificate, tls_key=key)
        self.assertTrue(service.url.startswith("https://127.0.0.1:"))
        trusts = ssl.create_default_context(cafile=certificate)
        self.assertEqual(service.score({"a": 1}, context=trusts)["asked"], {"a": 1})
        with self.assertRaisesRegex(errors.ConnectionLostError, "certificate") as caught:
            service.score({"a": 1})
        self.assertIn("context=", caught.exception.hint)

        async def main():
            found = await aio.Workspace(home=self.home, program=PROGRAM).services.get("tls-api")
            self.assertEqual((await found.score({"a": 2}, context=trusts))["asked"], {"a": 2})
            with self.assertRaisesRegex(errors.ConnectionLostError, "certificate"):
                await found.score({"a": 2})

        asyncio.run(main())

    def test_awaited(self):
        self.score_script()
        model = self.model("[3, 0]")

        async def main():
            ws = aio.Workspace(home=self.home, program=PROGRAM)
            service = await ws.deploy("awaited-api", entry="score.py", source=self.source, models=[model], auth_keys=True)
            answers = await asyncio.gather(*(service.score({"data": [[one, 0]]}) for one in range(5)))
            self.assertEqual(answers, [[0], [3], [6], [9], [12]])
            self.assertIn("weights are [3, 0]", await service.logs().text())
            self.assertEqual((await service.keys()).primary, self.ws.services["awaited-api"].keys().primary)
            self.assertEqual([one.name for one in await ws.services.list(model=model)], ["awaited-api"])
            await service.update(models=[self.model("[4, 0]")])
            self.assertEqual(await service.score(ROWS), [4, 12])
            self.write("score.py", BROKEN)
            with self.assertRaisesRegex(ServiceFailedError, "ValueError: no weights here"):
                await service.reload()
            self.assertEqual((await service.refresh()).generation, 3)
            await service.renew_key("secondary")
            await service.delete()
            self.assertEqual(await ws.services.list(), [])

        asyncio.run(main())


if __name__ == "__main__":
    unittest.main()
