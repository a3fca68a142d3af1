"""A Slurm cluster whose login host is this machine, from Python: attaching, a run, an array, detaching."""

import os
import unittest
import unittest.mock

import slurm
from served import PROGRAM, Served

import outhaul
from outhaul import errors

SCRIPT = """
import os
from outhaul.run import Run
run = Run.get_context()
run.log("task", int(os.environ.get("SLURM_ARRAY_TASK_ID", -1)))
print("job", os.environ["SLURM_JOB_ID"], "on", run.target)
"""


class Local(Served):
    def test_from_attaching_to_detaching(self):
        cluster = slurm.cluster()
        if cluster is None:
            self.skipTest("no Slurm")
        self.addCleanup(cluster.close)
        home = self.another_home("slurm")
        # The server finds the cluster as the command that starts it does.
        with unittest.mock.patch.dict(os.environ, SLURM_CONF=cluster.conf):
            ws = outhaul.Workspace(home=home, program=PROGRAM)
            target = ws.targets.attach.slurm("hpc", local=True, partition="main")
        self.assertEqual((target.kind, target.provisioning_state), ("slurm", "Succeeded"))
        script = self.script("job.py", SCRIPT)
        run = ws.run(script, target=target, resources={"memory": "100M", "cpus": 1}).wait()
        self.assertRegex(run.logs().text(), r"^job \d+ on hpc\n$")
        self.assertEqual(run.metrics()["task"], -1)
        array = ws.run_array([2, 5], script, target="hpc", resources={"memory": "100M"}).wait()
        self.assertEqual([one.metrics()["task"] for one in array], [2, 5])
        target.detach()
        self.assertEqual([one.name for one in ws.targets], ["local"])

    def test_it_goes_with_no_way_to_a_machine(self):
        with self.assertRaisesRegex(errors.BadRequestError, "does not go with `address`"):
            self.ws.targets.attach.slurm("hpc", local=True, address="login")
        self.assertEqual([one.name for one in self.ws.targets], ["local"])


if __name__ == "__main__":
    unittest.main()
