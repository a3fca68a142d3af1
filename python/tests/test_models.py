"""Models through the package, with the real program: registering, finding, changing, fetching, and what is refused."""

import asyncio
import os
import unittest

from served import PROGRAM, Served

from outhaul import aio, errors

TRAIN = """
import os
os.makedirs("outputs/net/deep", exist_ok=True)
for path, text in [("outputs/model.pkl", "weights"), ("outputs/net/a", "1"), ("outputs/net/deep/b", "22")]:
    with open(path, "w") as file:
        file.write(text)
"""


class Models(Served):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.trained = cls.ws.run(cls.script("train.py", TRAIN), experiment="ridge").wait()

    def file(self, name, text="weights"):
        path = os.path.join(self.work, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def content(self, path):
        with open(path, encoding="utf-8") as file:
            return file.read()

    def test_a_model_of_a_run(self):
        model = self.trained.register_model(
            "churn",
            "outputs/model.pkl",
            tags={"try": 2},
            properties={"p": "1"},
            description="what it is",
            framework="ScikitLearn",
            framework_version="1.5",
        )
        self.assertEqual((model.id, model.name, model.version), ("churn:1", "churn", 1))
        self.assertEqual((model.tags, model.properties), ({"try": "2"}, {"p": "1"}))
        self.assertEqual((model.description, model.framework, model.framework_version), ("what it is", "ScikitLearn", "1.5"))
        self.assertEqual((model.run_id, model.experiment, model.size), (self.trained.id, "ridge", 7))
        self.assertIsNotNone(model.created_at)
        self.assertEqual([file.path for file in model.files()], ["model.pkl"])
        self.assertEqual(model.read("model.pkl"), b"weights")
        lineage = model.lineage()
        self.assertEqual((lineage["run"], lineage["path"]), (self.trained.id, "outputs/model.pkl"))
        self.assertEqual(lineage["snapshot"]["tree"], self.trained.info["spec"]["snapshot"]["tree"])
        self.assertEqual(lineage["environment_lock"]["python_version"].split(".")[0], "3")
        again = self.ws.models["churn"]
        self.assertEqual(again.info, model.info)
        self.assertEqual(self.trained.register_model("churn", "./outputs/model.pkl").version, 2)
        self.assertEqual(self.ws.models.get("churn").version, 2)
        self.assertEqual(self.ws.models.get("churn", 1).version, 1)

    def test_a_folder_of_a_run_is_written_out_as_it_was(self):
        model = self.ws.models.register("net", "outputs/net/", run=self.trained)
        to = os.path.join(self.folder, "fetched")
        where = model.download(to)
        self.assertEqual(where, os.path.join(to, "net"))
        self.assertEqual(self.content(os.path.join(where, "deep/b")), "22")
        with self.assertRaisesRegex(errors.BadRequestError, "is there already"):
            model.download(to)
        with open(os.path.join(where, "a"), "w", encoding="utf-8") as file:
            file.write("changed")
        model.download(to, force=True)
        self.assertEqual(self.content(os.path.join(where, "a")), "1")

    def test_files_of_this_machine(self):
        self.file("local/outputs/w.bin", "1234")
        self.file("local/.gitignore", "*")
        folder = os.path.join(self.work, "local")
        model = self.ws.models.register("here", folder, tags={"a": "x=y"}, framework="Onnx", framework_version="1:2")
        self.assertEqual([file.path for file in model.files()], ["local/.gitignore", "local/outputs/w.bin"])
        self.assertEqual((model.tags, model.framework, model.framework_version), ({"a": "x=y"}, "Onnx", "1:2"))
        self.assertIsNone(model.run_id)
        self.assertIsNone(model.lineage())

    def test_lists_are_filtered(self):
        one = self.ws.models.register("listed-a", self.file("a"), tags={"stage": "test"}, framework="Onnx")
        two = self.ws.models.register("listed-a", self.file("a"), tags={"stage": "production"}, properties={"q": "7"})
        three = self.trained.register_model("listed-b", "outputs/model.pkl", tags={"stage": "test"})

        def ids(**asked):
            found = [model.id for model in self.ws.models.list(**asked)]
            return [found_id for found_id in found if found_id.startswith("listed-")]

        self.assertEqual(ids(), [three.id, two.id, one.id])
        self.assertEqual(ids(name="listed-a"), [two.id, one.id])
        self.assertEqual(ids(tag="stage=test"), [three.id, one.id])
        self.assertEqual(ids(tag="stage", latest=True), [three.id, two.id])
        self.assertEqual(ids(property="q=7"), [two.id])
        self.assertEqual(ids(run=self.trained), [three.id])
        self.assertEqual(ids(run=self.trained.id[:8]), [three.id])
        self.assertEqual(ids(framework="onnx"), [one.id])
        self.assertGreaterEqual(len(self.ws.models), 3)

    def test_tags_change_and_properties_are_added(self):
        model = self.ws.models.register("changed", self.file("c"), tags={"a": 1, "b": 2}, properties={"p": "1"})
        model.update(tags={"c": 3}, remove_tags=["a"], properties={"q": 2, "p": 1}, description="new")
        self.assertEqual((model.tags, model.properties), ({"b": "2", "c": "3"}, {"p": "1", "q": "2"}))
        self.assertEqual(self.ws.models["changed"].info, model.info)
        with self.assertRaisesRegex(errors.ConflictError, "property `p` of model `changed:1` is `1`"):
            model.update(tags={"d": 4}, properties={"p": "2"})
        self.assertEqual(model.refresh().tags, {"b": "2", "c": "3"})

    def test_a_deleted_version_is_gone_and_its_number_too(self):
        self.ws.models.register("gone", self.file("g"))
        self.ws.models.register("gone", self.file("g")).delete()
        with self.assertRaisesRegex(errors.NotFoundError, "there is no model `gone:2`"):
            self.ws.models.get("gone", 2)
        self.assertEqual(self.ws.models.register("gone", self.file("g")).version, 3)

    def test_what_cannot_be_registered_changes_nothing(self):
        before = len(self.ws.models)
        empty = os.path.join(self.work, "empty/deep")
        os.makedirs(empty)
        self.ws.models.register("Taken", self.file("t"))
        for asked, kind, text in [
            (dict(name="m", path="outputs/none", run=self.trained), errors.NotFoundError, "outputs/none"),
            (dict(name="m", path="../model.pkl", run=self.trained), errors.BadRequestError, "cannot be the path"),
            (dict(name="m", path="outputs/model.pkl", run="0000000"), errors.NotFoundError, "no run `0000000`"),
            (dict(name="m", path=os.path.join(self.work, "none")), errors.BadRequestError, "no file or folder"),
            (dict(name="m", path=empty), errors.BadRequestError, "no file in folder"),
            (dict(name="a b", path=self.file("t")), errors.BadRequestError, "model name `a b`"),
            (dict(name="m", path=self.file("t"), tags={"": 1}), errors.BadRequestError, "name before `=`"),
            (dict(name="taken", path=self.file("t")), errors.ConflictError, "`Taken`"),
        ]:
            with self.assertRaisesRegex(kind, text):
                self.ws.models.register(**asked)
        self.assertEqual(len(self.ws.models), before + 1)

    def test_of_a_run_that_goes_on_only_what_is_kept_is_registered(self):
        with self.ws.start_run("by-hand") as run:
            with self.assertRaisesRegex(errors.ConflictError, "has not ended"):
                run.register_model("tracked", "model.pkl")
            run.upload_file("model.pkl", self.file("tracked"))
            self.assertEqual(run.register_model("tracked", "model.pkl").run_id, run.id)

    def test_awaited(self):
        async def main():
            ws = aio.Workspace(home=self.home, program=PROGRAM)
            run = await ws.get_run(self.trained.id)
            model = await run.register_model("awaited", "outputs/net")
            await model.update(tags={"a": 1})
            found = await ws.models.get("awaited")
            self.assertEqual((found.tags, [file.path for file in await found.files()]), ({"a": "1"}, ["net/a", "net/deep/b"]))
            self.assertEqual(await found.read("net/a"), b"1")
            where = await found.download(os.path.join(self.folder, "awaited"))
            self.assertTrue(os.path.isfile(os.path.join(where, "deep/b")))
            self.assertEqual([one.id for one in await ws.models.list(name="awaited")], ["awaited:1"])
            await found.delete()
            self.assertEqual(await ws.models.list(name="awaited"), [])

        asyncio.run(main())


if __name__ == "__main__":
    unittest.main()
