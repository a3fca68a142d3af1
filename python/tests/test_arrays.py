"""Arrays of runs, against the real program: blocking and awaited."""

import asyncio
import os
import unittest

from served import PROGRAM, Served

import outhaul
from outhaul import aio, errors

SCRIPT = """
import os
from outhaul.run import Run
index = int(os.environ["OUTHAUL_ARRAY_INDEX"])
Run.get_context().log("square", index * index)
print(index, "of", os.environ["OUTHAUL_ARRAY_COUNT"])
raise SystemExit(7 if index == 6 else 0)
"""
LONG = "import time\nprint('begun', flush=True)\ntime.sleep(600)\n"


class Arrays(Served):
    def test_from_submitting_to_the_end(self):
        array = self.ws.run_array(range(0, 10, 3), self.script("square.py", SCRIPT), tags={"kind": "array"})
        self.assertEqual((array.indexes, len(array), array.info["array"]), ([0, 3, 6, 9], 4, "0-9:3"))
        self.assertEqual(array.id, array[0].id)
        with self.assertRaisesRegex(outhaul.RunFailedError, array[6].id[:8]) as caught:
            array.wait()
        self.assertEqual(caught.exception.failure_class, "user")
        self.assertEqual((array.has_ended, array.states), (True, {"Completed": 3, "Failed": 1}))
        self.assertIs(array.wait(raise_on_failure=False), array)
        self.assertEqual([run.array_index for run in array], [0, 3, 6, 9])
        self.assertEqual([run.metrics()["square"] for run in array.runs], [0, 9, 36, 81])
        self.assertEqual((array[6].exit_code, array[9].logs().text()), (7, "9 of 4\n"))
        self.assertEqual({run.tags["kind"] for run in array}, {"array"})
        with self.assertRaisesRegex(IndexError, "no run with the index 1: it has 0-9:3"):
            array[1]

        # Any of its runs names it.
        self.assertEqual(self.ws.get_array(array[9].id[:12]).id, array.id)
        found = self.ws.runs(array=array[3].id, state="Failed")
        self.assertEqual([run.id for run in found], [array[6].id])
        single = self.ws.run(command=["true"], source=self.work)
        self.assertIsNone(single.array_index)
        with self.assertRaises(errors.OuthaulError):
            self.ws.get_array(single.id)

    def test_some_at_once_and_canceling(self):
        array = self.ws.run_array("0-3", self.script("long.py", LONG), at_once=1)
        for line in array[0].logs(follow=True):
            self.assertEqual(line, "begun")
            break
        with self.assertRaisesRegex(TimeoutError, "has not ended after 0.05 seconds"):
            array.wait(timeout=0.05)
        states = array.refresh().states
        self.assertEqual(states.pop("Running"), 1, states)
        self.assertFalse(set(states) & {"Completed", "Failed", "Canceled"}, states)
        self.assertEqual(array.cancel(), 4)
        self.assertEqual(array.wait(raise_on_failure=False).states, {"Canceled": 4})
        self.assertEqual(array.cancel(), 0)

    def test_refusals_make_no_run(self):
        script = self.script("never.py", "")
        before = len(self.ws.runs(limit=None))
        for indexes, given in [("5-1", {}), ("x", {}), ([], {}), ([1, 1], {}), ("0-99999999", {}), ("0-3", {"at_once": 0})]:
            with self.assertRaises(errors.BadRequestError, msg=indexes):
                self.ws.run_array(indexes, script, **given)
        with self.assertRaises(errors.NotFoundError):
            self.ws.run_array("0-3", script, target="nowhere")
        self.assertEqual(len(self.ws.runs(limit=None)), before)

    def test_awaited(self):
        script = self.script("square.py", SCRIPT)

        async def every():
            ws = aio.Workspace(home=self.home, program=PROGRAM)
            array = await ws.run_array([1, 2], script)
            self.assertEqual((await array.wait()).states, {"Completed": 2})
            self.assertEqual([(await run.metrics())["square"] for run in array], [1, 4])
            self.assertEqual((await ws.get_array(array[2].id)).indexes, [1, 2])
            self.assertEqual({run.id for run in await ws.runs(array=array.id)}, {run.id for run in array})
            self.assertEqual((await array[1].refresh()).array_index, 1)
            failing = await ws.run_array("6", script)
            with self.assertRaises(outhaul.RunFailedError):
                await failing.wait()
            self.assertEqual(await failing.cancel(), 0)

        asyncio.run(every())


if __name__ == "__main__":
    unittest.main()
