"""Attaching a machine over SSH from Python, running there, and what is wrong with a login."""

import os
import sys
import unittest

import sshd
from served import METRICS, PROGRAM, Served

import outhaul
from outhaul import errors


class Remote(Served):
    @classmethod
    def setUpClass(cls):
        if sshd.PROGRAM is None:
            sys.stderr.write("not run: no sshd\n")
            raise unittest.SkipTest("no sshd")
        super().setUpClass()
        cls.sshd = sshd.Sshd()
        cls.addClassCleanup(cls.sshd.close)
        cls.there = os.path.join(cls.sshd.folder, "there")

    def attach(self, name="box", **given):
        arguments = dict(
            address="127.0.0.1",
            port=self.sshd.port,
            username=self.sshd.user,
            key_file=self.sshd.key,
            host_key=self.sshd.fingerprint,
            folder=self.there,
            slots=2,
        )
        arguments.update(given)
        return self.ws.targets.attach.remote(name, **arguments)

    def test_a_machine_from_attaching_to_detaching(self):
        box = self.attach()
        self.assertEqual((box.name, box.kind, box.provisioning_state, box.slots), ("box", "remote", "Succeeded", 2))
        self.assertEqual(box.address, f"{self.sshd.user}@127.0.0.1:{self.sshd.port}")
        run = self.ws.run(self.script("train.py", METRICS), target=box).wait()
        self.assertEqual((run.target, run.logs().text(), run.metrics()["mse"][-1]), ("box", "trained\n", 1.0))
        self.assertEqual(run.read("outputs/model.txt"), b"a model")
        self.assertEqual([check.status for check in box.check() if check.status == "failed"], [])
        with self.assertRaisesRegex(errors.ConflictError, "`box`"):
            self.attach()
        with self.assertRaises(errors.OuthaulError) as caught:
            self.attach("again")
        self.assertIn("`box`", caught.exception.message)
        self.ws.targets["again"].detach(forget=True)
        box.detach()
        self.assertEqual([target.name for target in self.ws.targets], ["local"])
        self.assertFalse(os.path.exists(self.there) and os.listdir(self.there))
        with self.assertRaises(errors.NotFoundError):
            box.refresh()

    def test_what_is_wrong_is_one_clear_error(self):
        secret = "canary-61c0"
        for number, (given, kind, says) in enumerate(
            [
                ({"key_file": self.sshd.stranger}, errors.TargetError, "login"),
                ({"key_file": None, "password": secret}, errors.TargetError, "login"),
                ({"host_key": None}, errors.BadRequestError, "is not known"),
                ({"host_key": "SHA256:" + "A" * 43}, errors.TargetError, "host key"),
                ({"username": "nobody-of-that-name"}, errors.TargetError, "login"),
            ]
        ):
            with self.subTest(given=given):
                name = f"bad{number}"
                with self.assertRaises(kind) as caught:
                    self.attach(name, **given)
                self.assertIn(says, str(caught.exception))
                self.assertTrue(caught.exception.hint)
                self.assertNotIn(secret, str(caught.exception))
        self.assertEqual([target.name for target in self.ws.targets if target.provisioning_state == "Succeeded"], ["local"])

    def test_not_waiting(self):
        target = self.attach("later", wait=False)
        self.assertEqual(target.wait().provisioning_state, "Succeeded")
        target.detach()
        broken = self.attach("broken", key_file=self.sshd.stranger, wait=False)
        with self.assertRaises(errors.TargetError):
            broken.wait()
        broken.detach(forget=True)

    def test_short_for_the_workspace_in_use(self):
        before = dict(os.environ)
        self.addCleanup(lambda: (os.environ.clear(), os.environ.update(before)))
        os.environ.update(OUTHAUL_HOME=self.home, OUTHAUL_BIN=PROGRAM)
        self.assertEqual([target.name for target in outhaul.target.list()][-1], "local")
        self.assertEqual(outhaul.target.get("local").kind, "local")
        with self.assertRaises(errors.BadRequestError):
            outhaul.target.attach.remote("x y", address="127.0.0.1", username="me", key_file=self.sshd.key)


if __name__ == "__main__":
    unittest.main()
