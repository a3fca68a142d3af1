"""How records reach the file: many writers at once, forks, full disks."""

import os
import subprocess
import sys
import threading
import unittest

from support import PYTHON, Inside

from outhaul import _sink
from outhaul.run import Run

START = "from outhaul.run import Run\nrun = Run.get_context()\n"


class ManyWriters(Inside):
    def test_processes(self):
        code = START + (
            "import sys\nwho = int(sys.argv[1])\n"
            "for i in range(300): run.log('p%d' % who, 'x' * (1 + (i * 977) % 9000), step=i)\n"
        )
        env = dict(os.environ, PYTHONPATH=PYTHON)
        writers = [subprocess.Popen([sys.executable, "-c", code, str(n)], env=env) for n in range(6)]
        self.assertEqual([w.wait(120) for w in writers], [0] * 6)
        found = self.records()
        self.assertEqual(len(found), 1800)
        for n in range(6):
            self.assertEqual([r["step"] for r in found if r["name"] == f"p{n}"], list(range(300)))

    def test_threads(self):
        def work(n):
            for i in range(200):
                self.run_.log(f"t{n}", i)

        threads = [threading.Thread(target=work, args=(n,)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        metrics = self.run_.get_metrics()
        self.assertEqual(metrics, {f"t{n}": list(range(200)) for n in range(8)})

    def test_threads_get_one_run(self):
        done = self.script(
            "import threading\nfrom outhaul.run import Run\nfound = []\ngate = threading.Barrier(8)\n"
            "def work():\n    gate.wait()\n    found.append(Run.get_context())\n"
            "ts = [threading.Thread(target=work) for _ in range(8)]\n[t.start() for t in ts]\n[t.join() for t in ts]\n"
            "assert len({id(r) for r in found}) == 1 and len(found) == 8\n"
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    @unittest.skipUnless(hasattr(os, "fork"), "needs fork")
    def test_fork(self):
        code = START + (
            "import os, sys\nrun.log('x', 0)\n"
            "with run.child_run('c') as child:\n"
            "    pid = os.fork()\n"
            "    if pid == 0:\n"
            "        assert Run.get_context() is run\n"
            "        child.log('x', 1)\n"
            "        sys.exit(0)\n"
            "    assert os.waitpid(pid, 0)[1] == 0\n"
            "    child.log('x', 2)\n"
        )
        done = self.script(code)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        found = self.records()
        self.assertEqual([r["value"] for r in found if r["kind"] == "scalar"], [0, 1, 2])
        self.assertEqual([r["kind"] for r in found].count("child_end"), 1)
        self.assertEqual(found[-1]["kind"], "child_end")

    def test_a_script_that_closes_everything(self):
        done = self.script(START + "import os\nrun.log('x', 1)\nos.closerange(3, 100)\nrun.log('x', 2)\n")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(self.records()), 2)


class CannotWrite(Inside):
    def test_warned_once_and_counted(self):
        code = START + "for i in range(5): run.log('x', i)\nassert run.dropped_records == 5\nprint('trained')\n"
        for path in (os.path.join(self.folder, "missing", "m.jsonl"), self.folder, "/dev/full"):
            if path == "/dev/full" and not os.path.exists(path):
                continue
            with self.subTest(path=path):
                done = self.script(code, OUTHAUL_METRICS_FILE=path)
                self.assertEqual((done.returncode, done.stdout), (0, "trained\n"))
                lines = done.stderr.splitlines()
                self.assertEqual(len(lines), 2, lines)
                self.assertIn(f"cannot write to `{path}`", lines[0])
                self.assertIn("5 record(s) could not be written", lines[1])

    def test_standard_error_closed(self):
        done = self.script(
            START + "import sys\nsys.stderr.close()\nrun.log('x', 1)\nprint('trained')\n",
            OUTHAUL_METRICS_FILE=self.folder,
        )
        self.assertEqual((done.returncode, done.stdout), (0, "trained\n"))

    @unittest.skipUnless(sys.platform.startswith("linux"), "needs a limit on the file's size")
    def test_a_disk_that_fills_within_a_record(self):
        code = START + (
            "import os, resource\nrun.log('before', 1)\n"
            "path = os.environ['OUTHAUL_METRICS_FILE']\n"
            "_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize(path) + 20, hard))\n"
            "run.log('lost', 2)\nassert run.dropped_records == 1\n"
            "assert not open(path).read().endswith('\\n')\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))\n"
            "run.log('after', 3)\n"
            "assert run.get_metrics() == {'before': 1, 'after': 3}, run.get_metrics()\n"
        )
        done = self.script(code)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_short_write_is_written_again(self):
        real = os.write
        cut = [10]

        def short(file, data):
            return real(file, data[: cut.pop()] if cut else data)

        _sink.os.write = short
        try:
            self.run_.log("x", 1)
        finally:
            _sink.os.write = real
        self.run_.log("y", 2)
        self.assertEqual(self.run_.get_metrics(), {"x": 1, "y": 2})
        self.assertEqual(Run.get_context().dropped_records, 0)


if __name__ == "__main__":
    unittest.main()
