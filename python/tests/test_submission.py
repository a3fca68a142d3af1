"""Submissions and attachments as words of the command; environments; durations."""

import datetime
import json
import os
import pathlib
import sys
import unittest

from support import Outside

from outhaul._ops import given, runs
from outhaul._client import attaching
from outhaul._client.attaching import Attachment
from outhaul._client.program import build_of, data_folder, find_program, gives_way
from outhaul._client.submission import Submission, indexes_text, words
from outhaul.environment import Environment, RegisteredEnvironment
from outhaul.errors import BadRequestError, ProgramNotFoundError


class Words(unittest.TestCase):
    def test_a_script(self):
        asked = runs.submission(
            "ws",
            pathlib.Path("src/train.py"),
            arguments=["--alpha", 0.4, True, pathlib.Path("x")],
            source=".",
            target="gpu-box",
            environment="environment.yml",
            experiment="ridge",
            name="try",
            variables={"A": "1 2", "N": 3},
            tags={"t": "v=w"},
            max_duration=90,
            resources={"nodes": 2, "memory": "8G", "time": datetime.timedelta(hours=2)},
        )
        self.assertEqual(
            words(asked),
            "--workspace=ws --target=gpu-box --experiment=ridge --name=try --source=. --environment=environment.yml".split()
            + ["--env=A=1 2", "--env=N=3", "--tag=t=v=w", "--max-duration=90", "--nodes=2", "--memory=8G", "--time=7200"]
            + ["src/train.py", "--", "--alpha", "0.4", "true", "x"],
        )

    def test_a_command_and_odd_names(self):
        self.assertEqual(words(Submission(command=["make", "-j"], python="/py")), ["--python=/py", "--", "make", "-j"])
        self.assertEqual(words(Submission(script="-x.py")), [f"--python={sys.executable}", "./-x.py", "--"])

    def test_spark_and_what_has_no_name_here(self):
        asked = runs.submission(
            None,
            "t.py",
            environment="e",
            framework="pyspark",
            spark_conf={"spark.executor.memory": "2g", "spark.x": True},
            spark_packages=["a:b:1"],
            options=["--deploy-mode=client"],
        )
        self.assertEqual(
            words(asked),
            "--environment=e --framework=pyspark --spark-conf=spark.executor.memory=2g --spark-conf=spark.x=true "
            "--spark-package=a:b:1 --deploy-mode=client t.py --".split(),
        )
        with self.assertRaises(BadRequestError):
            words(Submission(script="t.py", spark_conf={"a=b": 1}))

    def test_environments(self):
        spelled = Environment(python="3.11", pip=["numpy"], variables={"A": "b"})
        word = words(runs.submission(None, "t.py", environment=spelled))[0]
        name, _, text = word.partition("=")
        self.assertEqual(name, "--environment-spec")
        spec = json.loads(text)
        self.assertEqual((spec["interpreter"], spec["pip"]), ({"kind": "managed", "version": "3.11"}, ["numpy"]))
        kept = RegisteredEnvironment({"name": "sk", "version": 2, "spec": {}})
        self.assertEqual(words(runs.submission(None, "t.py", environment=kept))[0], "--environment=sk:2")
        for bad in (
            {"pip": "numpy"},
            {"python": "3.9", "python_path": "/py"},
            {"docker_image": "a", "dockerfile": "b"},
            {"gpus": True},
        ):
            with self.subTest(arguments=bad), self.assertRaises(BadRequestError):
                Environment(**bad)
        boxed = Environment(docker_image="python:3.11", gpus=True).spec["docker"]
        self.assertEqual((boxed["image"], boxed["gpus"]), ("python:3.11", True))

    def test_what_is_wrong_is_said(self):
        for bad in (
            {},
            {"script": "a.py", "command": ["b"]},
            {"command": "make all"},
            {"command": []},
            {"script": "a.py", "arguments": "--x"},
            {"script": "a.py", "tags": {"": "x"}},
            {"script": "a.py", "tags": {"a=b": "x"}},
            {"script": "a.py", "variables": {3: "x"}},
            {"script": "a.py", "max_duration": 0},
            {"script": "a.py", "max_duration": float("nan")},
        ):
            with self.subTest(asked=bad), self.assertRaises(BadRequestError):
                words(Submission(**bad))
        with self.assertRaises(TypeError):
            words(Submission(script="a.py", experiment=7))

    def test_indexes(self):
        for given, at_once, text in [
            ("0-99%10", None, "0-99%10"),
            ("0-99", 10, "0-99%10"),
            (range(10), None, "0-9"),
            (range(0, 10, 3), 2, "0-9:3%2"),
            ([1, 3, 7], None, "1,3,7"),
            ([4], None, "4"),
            ((3, 2), None, "3,2"),
        ]:
            self.assertEqual(indexes_text(given, at_once), text)
        for bad in ([], [1.5], ["a"], [-1], [True]):
            with self.assertRaisesRegex(BadRequestError, "whole numbers"):
                indexes_text(bad)
        self.assertEqual(words(Submission(script="a", python="p", array="0-9")), ["--python=p", "--array=0-9", "a", "--"])

    def test_attaching(self):
        secret = "canary-7"
        asked = Attachment("gpu-box", address="10.0.0.4", username="me", password=secret, jumps=["a@b:1"], accept_host_key=True)
        self.assertEqual(
            attaching.words("remote", asked),
            "target attach remote --address=10.0.0.4 --username=me --jump=a@b:1 --password-stdin --yes -- gpu-box".split(),
        )
        self.assertEqual(attaching.secret(asked), secret)
        self.assertNotIn(secret, repr(asked))
        key = Attachment("hpc", ssh_config="hpc", key_file=pathlib.Path("k"), passphrase=secret, wait=False, port=23)
        self.assertEqual(
            attaching.words("slurm", Attachment("hpc", local=True, folder="/f"), [("partition", "gpu")]),
            "target attach slurm --local --folder=/f --partition=gpu -- hpc".split(),
        )
        self.assertEqual(
            attaching.words("slurm", key, [("partition", "gpu"), ("qos", None)]),
            "target attach slurm --ssh-config=hpc --port=23 --private-key-file=k --partition=gpu --passphrase-stdin --no-wait -- hpc".split(),
        )
        cluster = [("cluster-name", "myhdi"), ("master", None)]
        spark = Attachment("hdi", username="me", password=secret)
        self.assertEqual(
            attaching.words("hdinsight", spark, cluster),
            "target attach hdinsight --username=me --cluster-name=myhdi --password-stdin -- hdi".split(),
        )
        with self.assertRaisesRegex(BadRequestError, "cluster_name"):
            attaching.words("hdinsight", spark, [("cluster-name", None)])
        for bad in (
            {},
            {"address": "a", "ssh_config": "b"},
            {"address": "a", "password": "p", "key_file": "k"},
            {"address": "a", "password": "p", "agent": True},
            {"address": "a", "agent": True, "key_file": "k"},
        ):
            with self.subTest(asked=bad), self.assertRaises(BadRequestError):
                attaching.words("remote", Attachment("x", **bad))
        for given in ({"address": "a"}, {"username": "u"}, {"port": 22}, {"password": "p"}, {"agent": True}, {"packages": "ship"}):
            with self.assertRaisesRegex(BadRequestError, "does not go with `{}`".format(list(given)[0])):
                attaching.words("slurm", Attachment("x", local=True, **given))

    def test_names(self):
        given.check_name("workspace", "a.b_c-1")
        for bad in ("", "-a", "a b", "ä", "a" * 256):
            with self.subTest(name=bad), self.assertRaises(BadRequestError):
                given.check_name("workspace", bad)


class Program(Outside):
    def test_the_data_folder(self):
        everything = {"OUTHAUL_HOME": "/o/./a/", "XDG_DATA_HOME": "/x", "HOME": "/h"}
        self.assertEqual(data_folder(everything, False), "/o/a")
        self.assertEqual(data_folder({"XDG_DATA_HOME": "/x", "HOME": "/h"}, False), "/x/outhaul")
        self.assertEqual(data_folder({"XDG_DATA_HOME": "rel", "HOME": "/h"}, False), "/h/.local/share/outhaul")
        self.assertEqual(data_folder({"XDG_DATA_HOME": "/x", "HOME": "/h"}, True), "/h/Library/Application Support/outhaul")
        with self.assertRaises(BadRequestError):
            data_folder({}, False)

    def test_the_program_is_found(self):
        program = self.file("bin/outhaul", b"#!/bin/sh\n")
        os.environ["PATH"] = os.path.dirname(program)
        os.environ["OUTHAUL_BIN"] = program
        with self.assertRaises(ProgramNotFoundError):
            find_program()  # it may not be started
        os.chmod(program, 0o755)
        self.assertEqual(find_program(), program)
        other = self.file("other", b"")
        os.chmod(other, 0o755)
        self.assertEqual(find_program(other), other)
        for missing in ("", "/nowhere/outhaul"):
            os.environ["OUTHAUL_BIN"] = missing
            if missing:
                with self.assertRaisesRegex(ProgramNotFoundError, "OUTHAUL_BIN"):
                    find_program()

    def test_a_replaced_or_newer_program_takes_over(self):
        for ours, version, running, expected in [
            ("a-1.0-9@/bin/o", "0.1.0", "0.1.0+a-1.0-9@/bin/o", False),
            ("b-2.0-9@/bin/o", "0.1.0", "0.1.0+a-1.0-9@/bin/o", True),
            ("b-2.0-9@/bin/o", "0.1.0", "0.2.0+a-1.0-9@/bin/o", True),
            ("b-2.0-9@/opt/o", "0.1.0", "0.1.0+a-1.0-9@/bin/o", False),
            ("b-2.0-9@/opt/o", "0.10.0", "0.9.0+a-1.0-9@/bin/o", True),
            ("b-2.0-9@/opt/o", "0.9.0", "0.10.0+a-1.0-9@/bin/o", False),
            (None, "0.1.0", "0.1.0+a-1.0-9@/bin/o", False),
            ("a-1.0-9@/bin/o", "0.1.0", "something", False),
        ]:
            self.assertEqual(gives_way(ours, version, running), expected, (ours, version, running))

    def test_the_build_changes_with_the_file(self):
        path = self.file("out haul", b"one")
        one = build_of(path)
        self.assertTrue(one.endswith("/out%20haul"), one)
        self.assertEqual(build_of(path), one)
        os.replace(self.file("new", b"other"), path)
        self.assertNotEqual(build_of(path), one)
        self.assertIsNone(build_of("/nowhere"))


if __name__ == "__main__":
    unittest.main()
