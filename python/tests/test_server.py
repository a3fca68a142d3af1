"""The package against the real program: submitting, following, waiting, files, targets, environments, errors."""

import asyncio
import contextlib
import io
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import unittest
import unittest.mock

import support
from served import METRICS, PROGRAM, Served

import outhaul
from outhaul import aio, errors
from outhaul._client.client import Client
from outhaul._client.query import new_run_id
from outhaul._client.submission import Submission


class Runs(Served):
    def test_a_run_from_submission_to_its_files(self):
        run = self.ws.run(
            self.script("train.py", METRICS),
            arguments=["--alpha", 0.4],
            experiment="ridge",
            name="try",
            variables={"A": "b c"},
            tags={"note": "x=y"},
            max_duration="1h",
        )
        self.assertRegex(repr(run), "^<Run [0-9a-z]{8} 'try' [A-Za-z]+ on local>$")
        self.assertIs(run.wait(), run)
        self.assertEqual((run.state, run.exit_code, run.has_ended, run.failure, run.parent), ("Completed", 0, True, None, None))
        self.assertEqual(run.tags, {"note": "x=y", "model": "ridge"})
        self.assertEqual((run.experiment, run.name, run.target), ("ridge", "try", "local"))
        self.assertTrue(run.created_at <= run.started_at <= run.ended_at)
        self.assertGreaterEqual(run.seconds, 0)
        command = run.info["spec"]["command"]
        self.assertEqual((command["script"], command["arguments"]), ("train.py", ["--alpha", "0.4"]))
        self.assertEqual(run.info["spec"]["variables"], {"A": "b c"})
        # Without an environment the script gets the Python that submitted it.
        self.assertEqual(run.info["spec"]["environment"]["interpreter"], {"kind": "user_managed", "python": sys.executable})
        self.assertEqual(run.metrics()["mse"], [5.0, 4.0, 3.0, 2.0, 1.0])
        self.assertEqual(run.metrics().series("mse").steps, [0, 1, 2, 3, 4])
        self.assertEqual([output.path for output in run.outputs()], ["outputs/model.txt"])
        self.assertEqual(run.read("outputs/model.txt"), b"a model")
        to = os.path.join(self.folder, "results")
        run.download(to)
        with open(os.path.join(to, "outputs", "model.txt"), "rb") as file:
            self.assertEqual(file.read(), b"a model")
        self.assertEqual((list(run.logs()), run.logs("stderr").text()), (["trained"], ""))
        self.assertEqual([event.kind for event in run.events()][0], "submitted")
        children = run.children()
        self.assertEqual([(child.name, child.parent, child.metrics()["x"]) for child in children], [("fold", run.id, 1)])
        self.assertIn("mse", run._repr_html_())
        self.assertIn("trained", run._repr_html_())
        self.assertEqual(self.ws.get_run(run.id[:8]), run)
        self.assertEqual([found.id for found in self.ws.runs(experiment="ridge", state="Completed", tag="model")], [run.id])
        self.assertEqual([e.runs for e in self.ws.experiments() if e.name == "ridge"], [1])
        again = run.rerun().wait()
        self.assertNotEqual(again.id, run.id)
        self.assertEqual(again.metrics()["mse"], run.metrics()["mse"])

    def test_following_prints_what_comes(self):
        run = self.ws.run(self.script("say.py", "import sys\nfor n in range(3): print('line', n)\nprint('end', end='')"))
        out = io.StringIO()
        run.follow(file=out)
        self.assertEqual(out.getvalue(), "line 0\nline 1\nline 2\nend")
        self.assertEqual(run.logs("stdout").bytes(), b"line 0\nline 1\nline 2\nend")

    def test_a_run_that_fails(self):
        run = self.ws.run(self.script("fail.py", "raise SystemExit(3)"))
        with self.assertRaises(outhaul.RunFailedError) as caught:
            run.wait()
        self.assertIn("exit code 3", caught.exception.message)
        self.assertEqual((caught.exception.failure_class, run.failure.failure_class, run.exit_code), ("user", "user", 3))
        self.assertEqual(run.wait(raise_on_failure=False).state, "Failed")
        listed = self.ws.runs(state="Failed")[0]
        self.assertEqual((listed.exit_code, listed.failure.message), (3, run.failure.message))

    def test_cancelling(self):
        run = self.ws.run(command=["sleep", "600"], source=self.work)
        with self.assertRaisesRegex(TimeoutError, "has not ended after 0.2 seconds"):
            run.wait(timeout=0.2)
        self.assertTrue(run.cancel())
        with self.assertRaisesRegex(outhaul.RunFailedError, "it was canceled"):
            run.wait()
        self.assertFalse(run.cancel())
        self.assertEqual(run.state, "Canceled")

    def test_a_block_waits_or_cancels(self):
        with self.ws.run(self.script("quick.py", "print(1)")) as run:
            pass
        self.assertEqual(run._info["state"], "Completed")
        with self.assertRaises(outhaul.RunFailedError):
            with self.ws.run(self.script("fail.py", "raise SystemExit(3)")):
                pass
        with self.assertRaises(KeyboardInterrupt):
            with self.ws.run(command=["sleep", "600"], source=self.work) as run:
                raise KeyboardInterrupt
        self.assertEqual(run.wait(raise_on_failure=False).state, "Canceled")

    def test_a_plan_changes_nothing(self):
        before = len(self.ws.runs(limit=None))
        plan = self.ws.plan(self.script("plan.py", "print(1)"), experiment="never")
        self.assertEqual((plan["experiment"], plan["server"]["target"]), ("never", "local"))
        self.assertEqual(len(self.ws.runs(limit=None)), before)

    def test_the_same_id_makes_one_run(self):
        client = Client(self.home, PROGRAM)
        asked, run_id = Submission(script=self.script("once.py", "print(1)")), new_run_id()
        first, second = client.submit(asked, run_id), client.submit(asked, run_id)
        self.assertEqual((first["id"], second["id"]), (run_id, run_id))
        self.assertEqual(len([run for run in self.ws.runs(limit=None) if run.id == run_id]), 1)
        with self.assertRaises(errors.ConflictError):
            client.submit(Submission(script=self.script("other.py", "print(2)")), run_id)
        client.close()

    def test_threads_share_a_workspace(self):
        script, found = self.script("many.py", "import os\nprint(os.environ['N'])"), {}

        def one(number):
            found[number] = self.ws.run(script, variables={"N": number}).wait().logs().text()

        threads = [threading.Thread(target=one, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, {number: f"{number}\n" for number in range(6)})

    def test_sent_to_another_process(self):
        run = self.ws.run(self.script("quick.py", "print(1)")).wait()
        code = "import pickle, sys\nws, run = pickle.load(sys.stdin.buffer)\nprint(run.logs().text(), ws.get_run(run.id).state)"
        told = subprocess.run(
            [sys.executable, "-c", code],
            input=pickle.dumps((self.ws, run)),
            env={"PYTHONPATH": support.PYTHON},
            stdout=subprocess.PIPE,
            check=True,
        ).stdout
        self.assertEqual(told, b"1\n Completed\n")

    def test_a_script_that_submits(self):
        inner = self.script("inner.py", "print('inner')")
        # It does not wait for the other: a machine with one slot could not start that.
        outer = self.script(
            "outer.py",
            "from outhaul import Workspace\n"
            f"ws = Workspace(home={self.home!r}, program={PROGRAM!r})\n"
            f"print(ws.run({inner!r}).id)\n",
        )
        run_id = self.ws.run(outer).follow(file=io.StringIO()).logs().text().strip()
        self.assertEqual(self.ws.get_run(run_id).wait().logs().text(), "inner\n")


class Environments(Served):
    def test_spelled_out_in_python(self):
        environment = outhaul.Environment(python_path=sys.executable, variables={"COLOUR": "blue"})
        script = self.script("colour.py", "import os\nprint(os.environ['COLOUR'])")
        self.assertEqual(self.ws.run(script, environment=environment).wait().logs().text(), "blue\n")
        kept = self.ws.register_environment(environment, name="colours")
        self.assertEqual((str(kept), kept.spec["variables"]), ("colours:1", {"COLOUR": "blue"}))
        self.assertEqual(self.ws.run(script, environment="colours").wait().logs().text(), "blue\n")
        self.assertEqual(self.ws.run(script, environment=kept).wait().logs().text(), "blue\n")
        self.assertIn("colours:1", [str(e) for e in self.ws.environments()])
        self.assertEqual(self.ws.environment("colours", 1).version, 1)

    def test_from_a_file(self):
        path = os.path.join(self.work, "requirements.txt")
        with open(path, "w") as file:
            file.write("numpy\n")
        self.assertEqual(self.ws.register_environment(path, name="numbers").spec["pip"], ["numpy"])
        with self.assertRaisesRegex(errors.BadRequestError, "no such environment file"):
            self.ws.register_environment("nowhere.yml", name="x")
        with self.assertRaisesRegex(errors.BadRequestError, "no name"):
            self.ws.register_environment(outhaul.Environment())
        with self.assertRaises(errors.NotFoundError):
            self.ws.run(self.script("e.py", ""), environment="absent")


class Workspaces(Served):
    def test_names(self):
        self.assertEqual(self.ws.name, "default")
        other = outhaul.Workspace("other", home=self.home, program=PROGRAM)
        script = self.script("w.py", "print(1)")
        with self.assertRaises(errors.NotFoundError):
            other.run(script)
        other.create(conda="pypi").create()
        run = other.run(script).wait()
        self.assertEqual([found.id for found in other.runs()], [run.id])
        self.assertEqual(self.ws.runs(), [])
        self.assertEqual((other.name, run.info["workspace"]), ("other", "other"))

    def test_wrong_requests_get_one_clear_error(self):
        ok = self.script("ok.py", "print(1)")
        for call, kind, says in [
            (lambda: self.ws.run("nowhere.py"), errors.BadRequestError, "no such script `nowhere.py`"),
            (lambda: self.ws.run(ok, target="absent"), errors.NotFoundError, "there is no compute target `absent`"),
            (lambda: self.ws.run(ok, name="a b"), errors.BadRequestError, "run name `a b` is not allowed"),
            (lambda: self.ws.run(ok, experiment="ä"), errors.BadRequestError, "experiment name `ä` is not allowed"),
            (lambda: self.ws.run(ok, variables={"1A": "x"}), errors.BadRequestError, "cannot be a variable's name"),
            (lambda: self.ws.run(ok, max_duration="soon"), errors.BadRequestError, "soon"),
            (lambda: self.ws.run(ok, environment={"pips": []}), errors.BadRequestError, "unknown field `pips`"),
            (lambda: self.ws.run(ok, source="nowhere"), errors.BadRequestError, "no such source folder"),
            (lambda: self.ws.get_run("zzzzzzzz"), errors.NotFoundError, "there is no run `zzzzzzzz`"),
            (lambda: self.ws.get_run("Not An Id"), errors.BadRequestError, "`Not An Id` is not a run id"),
            (lambda: self.ws.targets["absent"], errors.NotFoundError, "`absent`"),
            (lambda: outhaul.Workspace("a b"), errors.BadRequestError, "workspace name `a b` is not allowed"),
            (lambda: self.ws.runs(state="Rnning"), errors.BadRequestError, "Rnning"),
        ]:
            with self.subTest(says=says):
                with self.assertRaises(kind) as caught:
                    call()
                self.assertIn(says, caught.exception.message)
                self.assertNotIn("\n", caught.exception.message)
        self.assertEqual(self.ws.runs(), [])


class Targets(Served):
    def test_this_machine(self):
        self.assertEqual([target.name for target in self.ws.targets], ["local"])
        local = self.ws.targets["local"]
        self.assertEqual((local.kind, local.provisioning_state, local.address), ("local", "Succeeded", None))
        self.assertTrue(local.slots >= 1 and local.facts["os"])
        self.assertIn("ok", [check.status for check in local.check()])

    def test_what_cannot_be_attached(self):
        attach = self.ws.targets.attach
        key = os.path.join(self.work, "key")
        with open(key, "w") as file:
            file.write("no key")
        secret = "canary-8f1d"
        for call, kind, says in [
            (lambda: attach.remote("box", address="127.0.0.1", username="me", key_file=key), errors.BadRequestError, "is not the file of a private key"),
            (lambda: attach.remote("box", address="127.0.0.1", username="me", key_file="/nowhere"), errors.BadRequestError, "no such private key file"),
            (lambda: attach.remote("box", address="me@box", username="me", password=secret), errors.BadRequestError, "give the host alone"),
            (lambda: attach.remote("b x", address="box", username="me", password=secret), errors.BadRequestError, "target name `b x` is not allowed"),
            (lambda: attach.remote("box", address="127.0.0.1", username="me", port=1, password=secret), errors.TargetError, "127.0.0.1"),
            (lambda: attach.remote("box", address="127.0.0.1", username="me", password=secret + "\nx"), errors.BadRequestError, "one line"),
            (lambda: attach.remote("box"), errors.BadRequestError, "say where the machine is"),
        ]:
            with self.subTest(says=says):
                with self.assertRaises(kind) as caught:
                    call()
                self.assertIn(says, caught.exception.message)
                self.assertNotIn(secret, str(caught.exception))
        self.assertEqual(len(self.ws.targets), 1)


class Server(Served):
    def test_it_is_started_on_demand_and_again_when_it_is_gone(self):
        home = self.another_home("new")
        with self.assertRaises(errors.ServerNotRunningError):
            outhaul.Workspace(home=home, program=PROGRAM, start=False).runs()
        self.assertFalse(os.path.exists(home))
        ws = outhaul.Workspace(home=home, program=PROGRAM)
        client = Client(home, PROGRAM)
        self.assertEqual(ws.runs(), [])
        for ends in (signal.SIGTERM, signal.SIGKILL):
            pid = client.request("GET", "/server")["pid"]
            os.kill(pid, ends)
            self.assertEqual(ws.runs(), [])
            # One that is stopping may still answer what is under way.
            late = time.monotonic() + 60
            while client.request("GET", "/server")["pid"] == pid:
                self.assertLess(time.monotonic(), late, "the server does not stop")
        client.close()

    def test_following_survives_the_server(self):
        gate = os.path.join(self.work, "gate")
        script = self.script(
            "gated.py", f"import os, time\nprint('one')\nwhile not os.path.exists({gate!r}): time.sleep(0.01)\nprint('two')"
        )
        lines = iter(self.ws.run(script).logs(follow=True))
        self.assertEqual(next(lines), "one")
        os.kill(Client(self.home, PROGRAM).request("GET", "/server")["pid"], signal.SIGKILL)
        with open(gate, "w"):
            pass
        self.assertEqual(list(lines), ["two"])

    def test_a_program_that_was_replaced_takes_over(self):
        import shutil

        home, program = self.another_home("other"), os.path.join(self.folder, "outhaul")
        shutil.copyfile(PROGRAM, program + ".new")
        os.chmod(program + ".new", 0o755)
        shutil.copy2(program + ".new", program)
        first = Client(home, program)
        pid = first.request("GET", "/server")["pid"]
        self.assertEqual(Client(home, program).request("GET", "/server")["pid"], pid)
        os.replace(program + ".new", program)
        self.assertNotEqual(Client(home, program).request("GET", "/server")["pid"], pid)

    def test_a_folder_of_somebody_else_is_refused(self):
        with self.assertRaisesRegex(errors.BadRequestError, "is not a data folder"):
            outhaul.Workspace(home=self.script("x.py", "")[: -len("/x.py")], program=PROGRAM).runs()

    def test_a_warning_of_the_program_is_passed_on(self):
        import warnings

        folder = os.path.dirname(self.script("odd.py", "print(1)"))
        with open(os.path.join(folder, ".gitignore"), "w") as file:
            file.write("[z-a]\n")
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            self.ws.run(os.path.join(folder, "odd.py")).wait()
        self.assertTrue(any("ignore file" in str(warning.message) for warning in caught), caught)


class Awaited(Served):
    def test_many_at_once(self):
        script = self.script("train.py", METRICS)

        async def one(ws, number):
            run = await ws.run(script, tags={"n": number})
            lines = [line async for line in run.logs(follow=True)]
            await run.wait()
            return lines, run.state, (await run.metrics())["mse"][-1], await run.read("outputs/model.txt")

        async def every():
            ws = aio.Workspace(home=self.home, program=PROGRAM)
            ended = await asyncio.gather(*(one(ws, number) for number in range(4)))
            self.assertEqual(ended, [(["trained"], "Completed", 1.0, b"a model")] * 4)
            self.assertEqual(len(await ws.runs(experiment="train")), 4)
            self.assertEqual([t.name for t in await ws.targets.list()], ["local"])
            self.assertEqual(await ws.name(), "default")
            run = (await ws.runs(experiment="train", limit=1))[0]
            with self.assertRaises(AttributeError):
                run.failure
            self.assertIsNone((await run.refresh()).failure)
            self.assertEqual([c.name for c in await run.children()], ["fold"])
            self.assertEqual((await run.events())[-1].kind, "completed")
            with self.assertRaises(errors.NotFoundError):
                await ws.get_run("zzzz")

        asyncio.run(every())

    def test_blocks_and_cancelled_tasks(self):
        async def every():
            ws = aio.Workspace(home=self.home, program=PROGRAM)
            with self.assertRaises(outhaul.RunFailedError):
                async with await ws.run(self.script("fail.py", "raise SystemExit(3)")):
                    pass
            started = asyncio.Event()
            runs = []

            async def held():
                async with await ws.run(command=["sleep", "600"], source=self.work) as run:
                    runs.append(run)
                    started.set()
                    await asyncio.sleep(600)

            task = asyncio.ensure_future(held())
            await started.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual((await runs[0].wait(raise_on_failure=False)).state, "Canceled")

        asyncio.run(every())


class Shown(Served):
    def test_a_notebook_keeps_a_run_up_to_date(self):
        """With a made-up IPython; the pictures come from a real run."""
        gate = os.path.join(self.work, "gate")
        script = self.script(
            "shown.py",
            "import os, time\nfrom outhaul.run import Run\nrun = Run.get_context()\nrun.log('mse', 2.0)\nrun.log('mse', 1.0)\n"
            f"print('begun', flush=True)\nwhile not os.path.exists({gate!r}): time.sleep(0.01)\nprint('over')",
        )
        pictures, ended = [], threading.Event()

        class Handle:
            def update(self, picture, raw):
                pictures.append(picture["text/html"])
                if "Completed" in pictures[-1]:
                    ended.set()

        def display(picture, raw, display_id):
            pictures.append(picture["text/html"])
            return Handle()

        shell = unittest.mock.Mock(kernel=object())
        ipython = unittest.mock.Mock(get_ipython=lambda: shell)
        shows = unittest.mock.Mock(display=display)
        run = self.ws.run(script)
        with unittest.mock.patch.dict(sys.modules, {"IPython": ipython, "IPython.display": shows}):
            run._ipython_display_()
        for line in run.logs(follow=True):
            if line == "begun":
                with open(gate, "w"):
                    pass
        self.assertTrue(ended.wait(60), pictures)
        for said in ("begun", "over", "<svg", "mse"):
            self.assertIn(said, pictures[-1])
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            run._ipython_display_()
        self.assertIn("Completed", out.getvalue())


if __name__ == "__main__":
    unittest.main()
