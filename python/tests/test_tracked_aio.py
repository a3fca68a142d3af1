"""Runs that an asyncio task plays, against the real program: the same calls, awaited."""

import asyncio
import contextlib
import io
import os
import signal
import unittest

import support
from served import PROGRAM, Served

from outhaul import aio, errors
from outhaul.run import RunError


class Tracked(Served):
    def played(self, coroutine):
        """Runs a coroutine over an awaited workspace."""
        return asyncio.run(coroutine(aio.Workspace(home=self.home, program=PROGRAM)))

    def picture(self):
        path = os.path.join(self.work, "p.png")
        with open(path, "wb") as file:
            file.write(b"png")
        return path

    def test_what_is_said_is_there(self):
        folder = os.path.join(self.work, "models")
        os.makedirs(folder)
        with open(os.path.join(folder, "model.pkl"), "wb") as file:
            file.write(bytes(range(256)) * 4000)

        async def play(ws):
            async with await ws.start_run("ridge", name="by-hand", tags={"a": 1}, properties={"data": "v1"}) as run:
                seen = await run.watch()
                self.assertEqual((seen.state, seen.name, seen.experiment), ("Running", "by-hand", "ridge"))
                for step in range(5):
                    await run.log("mse", 5.0 - step, step=step)
                await run.log_metrics({"x": 1, "y": float("inf")}, step=3)
                await run.log_row("fit", alpha=0.1, mse=3)
                await run.log_table("tab", {"p": [1, 2]})
                await run.log_list("l", [1, 2])
                for name in ("confusion_matrix", "residuals", "predictions", "accuracy_table"):
                    await getattr(run, "log_" + name)(name, {"a": 1})
                await run.tag("model", "ridge")
                await run.set_tags({"gone": "soon"})
                await run.remove_tag("gone")
                await run.add_properties({"rows": 7})
                await run.upload_folder("models", folder)
                await run.upload_files(["note.txt"], [self.picture()])
                await run.upload_file("stream", io.BytesIO(b"a stream"))
                await run.log_image("plot", path=self.picture())
                await run.log_image("plot", path=self.picture())
                await run.flush()
                metrics = await run.get_metrics()
                self.assertEqual(metrics["mse"], [5.0, 4.0, 3.0, 2.0, 1.0])
                self.assertEqual((metrics["x"], metrics["y"], metrics["fit"]), (1, float("inf"), {"alpha": 0.1, "mse": 3}))
                self.assertEqual((metrics["residuals"], metrics["tab"], metrics["l"]), ({"a": 1}, {"p": [1, 2]}, [1, 2]))
                self.assertEqual(metrics["plot"], ["plot.png", "plot-2.png"])
                self.assertEqual(await run.get_metrics("x"), {"x": 1})
                self.assertEqual((await run.metrics()).series("mse").steps, [0, 1, 2, 3, 4])
                files = ["models/model.pkl", "note.txt", "plot-2.png", "plot.png", "stream"]
                self.assertEqual(await run.get_file_names(), files)
                self.assertEqual(await run.get_tags(), {"a": "1", "model": "ridge"})
                self.assertEqual(await run.get_properties(), {"data": "v1", "rows": "7"})
            await seen.refresh()
            self.assertEqual((seen.state, run.dropped_records), ("Completed", 0))
            self.assertEqual(await seen.read("models/model.pkl"), bytes(range(256)) * 4000)
            self.assertEqual(await seen.read("stream"), b"a stream")
            # What has ended has ended; the first end counts.
            await run.fail("late")
            with self.assertRaises(errors.ConflictError):
                await run.log("mse", 1)
            self.assertEqual((await seen.refresh()).state, "Completed")

        self.played(play)

    def test_it_is_what_the_blocking_one_logs(self):
        async def play(ws):
            async with await ws.start_run("same") as run:
                await run.log("a", 1, description="of all", step=4)
                await run.log_row("r", "a row", x=1)
                await run.log_list("l", range(3))
                await run.log_confusion_matrix("c", '{"b": [1]}')
                return run.id

        awaited = self.ws.get_run(self.played(play))
        with self.ws.start_run("same") as run:
            run.log("a", 1, description="of all", step=4)
            run.log_row("r", "a row", x=1)
            run.log_list("l", range(3))
            run.log_confusion_matrix("c", '{"b": [1]}')

        def without_times(records):
            return [{key: value for key, value in record.items() if key not in ("t", "time")} for record in records]

        self.assertEqual(without_times(awaited.metrics().records), without_times(run.metrics().records))

    def test_ends(self):
        async def play(ws):
            ended = []
            for error in (None, ValueError("bad alpha"), SystemExit(0), KeyboardInterrupt()):
                run = None
                with contextlib.suppress(ValueError, SystemExit, KeyboardInterrupt):
                    async with await ws.start_run("ends") as run:
                        if error is not None:
                            raise error
                seen = await run.watch()
                ended.append((seen.state, seen.failure and seen.failure.message))
            return ended

        ended = self.played(play)
        self.assertEqual([state for state, _ in ended], ["Completed", "Failed", "Completed", "Canceled"])
        self.assertIn("ValueError: bad alpha", ended[1][1])

    def test_a_cancelled_task_cancels_its_run(self):
        async def play(ws):
            begun, runs = asyncio.Event(), []

            async def train():
                async with await ws.start_run("task") as run:
                    runs.append(run)
                    begun.set()
                    await asyncio.sleep(600)

            task = asyncio.ensure_future(train())
            await begun.wait()
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task
            self.assertEqual((await runs[0].watch()).state, "Canceled")

        self.played(play)

    def test_many_tasks_log_to_one_run_and_to_its_children(self):
        async def play(ws):
            async with await ws.start_run("folds") as run:

                async def fold(number):
                    async with await run.child_run(f"fold-{number}") as child:
                        for step in range(5):
                            await asyncio.gather(child.log("mse", step, step=step), run.log("all", number * 10 + step))

                await asyncio.gather(*(fold(number) for number in range(4)))
                more = await run.create_children(tag_key="alpha", tag_values=[0.1, 0.2])
                self.assertEqual([await child.get_tags() for child in more], [{"alpha": "0.1"}, {"alpha": "0.2"}])
                self.assertEqual(len(await run.create_children(count=1)), 1)
                self.assertIs(more[0].parent, run)
                below = await run.get_metrics(recursive=True)
                self.assertEqual(sorted(below.pop(run.id)["all"]), sorted(n * 10 + s for n in range(4) for s in range(5)))
                self.assertEqual([m["mse"] for m in below.values() if m], [[0, 1, 2, 3, 4]] * 4)
                self.assertEqual(len(below), 7)
            return [child.state for child in await (await run.watch()).children()]

        self.assertEqual(self.played(play), ["Completed"] * 7)

    def test_wrong_calls_change_nothing(self):
        async def play(ws):
            run = await ws.start_run("wrong")
            for call, kind in [
                (lambda: run.log("x", [1]), TypeError),
                (lambda: run.log("", 1), RunError),
                (lambda: run.log_image("x"), RunError),
                (lambda: run.upload_file("../m", self.picture()), RunError),
                (lambda: run.upload_file("m", "nowhere"), RunError),
                (lambda: run.upload_files(["a"], []), RunError),
                (lambda: run.create_children(), RunError),
                (lambda: ws.start_run("a b"), errors.BadRequestError),
            ]:
                with self.assertRaises(kind):
                    await call()
            await run.add_properties({"a": 1})
            with self.assertRaises(errors.ConflictError):
                await run.add_properties({"a": 2})
            self.assertEqual((await run.get_metrics(), await run.get_file_names()), ({}, []))
            self.assertEqual(await run.get_properties(), {"a": "1"})
            await run.complete()

        self.played(play)

    def test_the_server_may_die_and_may_be_gone(self):
        home = self.another_home("lost")

        async def play(ws):
            ws = aio.Workspace(home=home, program=PROGRAM)
            run = await ws.start_run("dies")
            await run.log("x", 1)
            os.kill((await ws._client.request("GET", "/server"))["pid"], signal.SIGKILL)
            await run.log("x", 2)
            self.assertEqual(((await run.get_metrics())["x"], run.dropped_records), ([1, 2], 0))
            pid = (await ws._client.request("GET", "/server"))["pid"]
            await ws._client.request("POST", "/server/stop")
            ws._client.core.starts = False
            # Until it has ended it may still take what it is told.
            await asyncio.get_running_loop().run_in_executor(None, support.wait_for_end, pid)
            told = io.StringIO()
            with contextlib.redirect_stderr(told):
                await run.log("x", 3)
                await run.log("x", 4)
            self.assertEqual((run.dropped_records, told.getvalue().count("was lost")), (2, 1))

        self.played(play)


if __name__ == "__main__":
    unittest.main()
