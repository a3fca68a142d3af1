"""Files and images kept by a run."""

import io
import os
import pathlib
import unittest

from support import Inside

from outhaul.run import RunError


class Figure:
    """Like a matplotlib figure."""

    def savefig(self, where, format=None):
        with open(where, "wb") as file:
            file.write(b"drawn as " + format.encode())


class Uploads(Inside):
    def test_file(self):
        self.run_.upload_file("outputs/m.pkl", self.file("m.pkl", b"abc"))
        self.assertEqual(self.uploaded("outputs/m.pkl"), b"abc")
        self.assertEqual(self.records(), [{"kind": "upload", "name": "outputs/m.pkl", "size": 3}])
        self.run_.upload_file("./outputs//m.pkl", pathlib.Path(self.file("m.pkl", b"newer")))
        self.assertEqual(self.uploaded("outputs/m.pkl"), b"newer")
        self.run_.upload_file(name="s", path_or_stream=io.BytesIO(b"x" * 3000000))
        self.assertEqual(self.last()["size"], 3000000)
        self.run_.upload_file("t", io.StringIO("é"))
        self.assertEqual(self.uploaded("t"), "é".encode("utf-8"))
        self.assertEqual(self.run_.get_file_names(), ["outputs/m.pkl", "s", "t"])
        self.assertEqual(os.listdir(self.uploads + ".tmp"), [])

    def test_a_copy_is_kept(self):
        path = self.file("m", b"before")
        self.run_.upload_file("m", path)
        self.file("m", b"after")
        self.assertEqual(self.uploaded("m"), b"before")

    def test_a_reader_of_the_earlier_file_sees_it_whole(self):
        self.run_.upload_file("m", self.file("m", b"before"))
        with open(os.path.join(self.uploads, "m"), "rb") as reader:
            self.run_.upload_file("m", self.file("m", b"after"))
            self.assertEqual(reader.read(), b"before")
        self.assertEqual(self.uploaded("m"), b"after")

    def test_bad_names(self):
        path = self.file("m")
        for bad in ("../m", "a/../../m", "..", "/m", "/", "", ".", "a/", "a\0b", ".children", ".children/x", "./.children/x"):
            with self.subTest(name=bad), self.assertRaises(RunError):
                self.run_.upload_file(bad, path)
        with self.assertRaisesRegex(TypeError, "file name must be text"):
            self.run_.upload_file(3, path)
        self.assertFalse(os.path.exists(self.uploads))
        self.assertEqual(self.records(), [])

    def test_bad_sources(self):
        with self.assertRaisesRegex(RunError, "`nowhere` does not exist"):
            self.run_.upload_file("m", "nowhere")
        with self.assertRaisesRegex(RunError, "upload_folder"):
            self.run_.upload_file("m", self.folder)
        with self.assertRaises(TypeError):
            self.run_.upload_file("m", 3.5)

    def test_failed_copy_leaves_nothing(self):
        class Broken:
            def read(self, size):
                raise OSError("broken pipe")

        with self.assertRaisesRegex(RunError, "cannot keep file `m`: broken pipe"):
            self.run_.upload_file("m", Broken())
        self.assertFalse(os.path.exists(self.uploads))
        self.assertEqual(os.listdir(self.uploads + ".tmp"), [])
        self.assertEqual(self.records(), [])

    def test_folder_and_files(self):
        self.file("d/a.txt", b"a")
        self.file("d/sub/b.txt", b"bb")
        self.run_.upload_folder("kept/", os.path.join(self.folder, "d"))
        self.assertEqual([r["name"] for r in self.records()], ["kept/a.txt", "kept/sub/b.txt"])
        self.assertEqual(self.uploaded("kept/sub/b.txt"), b"bb")
        self.run_.upload_files(["x", "y"], [self.file("1"), self.file("2")])
        self.assertEqual(self.run_.get_file_names(), ["kept/a.txt", "kept/sub/b.txt", "x", "y"])
        with self.assertRaisesRegex(RunError, "one name per path"):
            self.run_.upload_files(["x"], [])
        for name, path, error in [("k", self.file("1"), "not a folder"), ("../k", self.folder, "relative"), ("/", self.folder, "relative")]:
            with self.subTest(name=name), self.assertRaisesRegex(RunError, error):
                self.run_.upload_folder(name, path)

    def test_paths_survive_a_change_of_folder(self):
        os.environ["OUTHAUL_METRICS_FILE"] = "m.jsonl"
        os.environ["OUTHAUL_UPLOADS_DIR"] = "up"
        done = self.script(
            "import os\nfrom outhaul.run import Run\nrun = Run.get_context()\nos.mkdir('w')\nos.chdir('w')\n"
            "open('f', 'w').close()\nrun.log('x', 1)\nrun.upload_file('f', 'f')\n"
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertTrue(os.path.exists(os.path.join(self.folder, "m.jsonl")))
        self.assertTrue(os.path.exists(os.path.join(self.folder, "up", "f")))


class Images(Inside):
    def test_path(self):
        self.run_.log_image("cat", path=self.file("c.JPG", b"jpg"), description="a cat")
        self.assertEqual(
            self.records(),
            [
                {"kind": "upload", "name": "cat.JPG", "size": 3},
                {"kind": "image", "name": "cat", "path": "cat.JPG", "description": "a cat"},
            ],
        )
        self.run_.log_image("dog.png", path=self.file("d.png", b"png"))
        self.assertEqual(self.last()["path"], "dog.png")

    def test_plots_are_numbered(self):
        for _ in range(3):
            self.run_.log_image("loss", plot=Figure())
        self.run_.upload_file("other.png", self.file("o"))
        self.run_.log_image("other", plot=Figure())
        self.assertEqual(self.run_.get_metrics("loss"), {"loss": ["loss.png", "loss-2.png", "loss-3.png"]})
        self.assertEqual(self.last()["path"], "other-2.png")
        self.assertEqual(self.uploaded("loss-3.png"), b"drawn as png")
        self.assertEqual(self.uploaded("other.png"), b"content")

    def test_refused(self):
        for arguments in ({}, {"path": "x", "plot": Figure()}):
            with self.assertRaisesRegex(RunError, "exactly one"):
                self.run_.log_image("i", **arguments)
        with self.assertRaisesRegex(TypeError, "image `i`: plot must be"):
            self.run_.log_image("i", plot=3)
        with self.assertRaisesRegex(RunError, "does not exist"):
            self.run_.log_image("i", path="nowhere.png")
        with self.assertRaisesRegex(RunError, "relative name"):
            self.run_.log_image("../i", plot=Figure())
        self.assertEqual(self.records(), [])


if __name__ == "__main__":
    unittest.main()
