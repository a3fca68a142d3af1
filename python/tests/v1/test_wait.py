"""Following a run in words of v1's, with a made-up server: streams, the interrupted one, errors."""

import unittest

from azureml.exceptions import ExperimentExecutionException
from outhaul._client.follow import End, LogPiece
from outhaul.errors import ConnectionLostError
from outhaul_azureml.run import wait

from v1.support import Case


class Made:
    """A run whose log is what a test says."""

    id = "abc"

    def __init__(self, items):
        self._items = items
        self._server = self.client = self

    def get_portal_url(self):
        return "outhaul://w/runs/abc"

    def follow(self, run):
        for item in self._items:
            if isinstance(item, BaseException):
                raise item
            yield item

    def _fetch(self):
        return {"state": "Completed"}

    def get_details(self):
        return {"status": "Completed"}


def piece(stream, data):
    return LogPiece(stream, 0, len(data), data)


class Waiting(Case):
    def test_each_log_has_its_heading(self):
        items = [
            piece("environment", b"building\n"),
            piece("stdout", b"one\n"),
            piece("stderr", b"two\xff\n"),
            End({"id": "abc"}),
            piece("stdout", b"never"),
        ]
        with self.printed() as out:
            self.assertEqual(wait.until_end(Made(items), True, True), {"status": "Completed"})
        build = "Streaming azureml-logs/20_image_build_log.txt"
        log = "Streaming user_logs/std_log.txt"
        self.assertEqual(
            out.getvalue(),
            "RunId: abc\nWeb View: outhaul://w/runs/abc\n\n{}\n{}\n\nbuilding\n\n{}\n{}\n\none\ntwo\ufffd\n"
            "\nExecution Summary\n=================\nRunId: abc\nWeb View: outhaul://w/runs/abc\n\n".format(
                build, "=" * len(build), log, "=" * len(log)
            ),
        )

    def test_an_interrupt_leaves_the_run_alone_and_says_so(self):
        with self.refused(ExperimentExecutionException, "But the run is still executing"), self.printed():
            wait.until_end(Made([KeyboardInterrupt()]), True, True)

    def test_a_server_that_is_gone_for_good(self):
        with self.refused(ExperimentExecutionException, "the connection broke"), self.printed():
            wait.until_end(Made([ConnectionLostError("the connection broke")]), True, True)

    def test_reasons_of_failures(self):
        found = wait.error_of({"class": "environment", "message": "a", "hint": "b"})
        self.assertEqual(found, {"error": {"code": "EnvironmentError", "message": "a\nb"}})
        self.assertEqual(wait.error_of({"class": "user", "message": "a"})["error"]["code"], "UserError")


if __name__ == "__main__":
    unittest.main()
