"""Models of v1 with the real program: registering, finding, fetching, changing, and the exceptions of v1."""

import os
import unittest

from v1.served import Served
from v1.support import Case

from azureml.core import Experiment, Model, ScriptRunConfig, Workspace
from azureml.core.model import MODELS_DIR
from azureml.exceptions import ModelNotFoundException, ModelPathNotFoundException, WebserviceException
from outhaul_azureml.planned import NotYetException


class Paths(Case):
    def setUp(self):
        super().setUp()
        os.chdir(self.folder)

    def test_a_model_is_found_where_it_lies(self):
        self.assertEqual(MODELS_DIR, "azureml-models")
        with self.refused(ModelNotFoundException, "Model churn was not found"):
            Model.get_model_path("churn")
        self.write("churn", "beside")
        self.assertEqual(Model.get_model_path("churn"), "./churn")
        for version in (9, 10):
            self.write("azureml-models/churn/{}/model.pkl".format(version), str(version))
        self.assertEqual(Model.get_model_path("churn"), "azureml-models/churn/10/model.pkl")
        self.assertEqual(Model.get_model_path("churn", version=9), "azureml-models/churn/9/model.pkl")
        with self.refused(ModelNotFoundException, "churn with version 8"):
            Model.get_model_path("churn", 8)

    def test_in_a_scoring_script(self):
        self.write("app/azureml-models/a/3/model.pkl", "a")
        root = os.path.join(self.folder, "app/azureml-models")
        for told in (os.path.join(root, "a/3"), root):
            os.environ["AZUREML_MODEL_DIR"] = told
            self.assertEqual(Model.get_model_path("a"), os.path.join(root, "a/3/model.pkl"))
        del os.environ["AZUREML_MODEL_DIR"]
        os.environ["AML_APP_ROOT"] = os.path.join(self.folder, "app")
        self.assertEqual(Model.get_model_path("a", 3), os.path.join(root, "a/3/model.pkl"))

    def test_frameworks(self):
        self.assertEqual(
            (Model.Framework.SCIKITLEARN, Model.Framework.TFKERAS, Model.Framework.ONNX),
            ("ScikitLearn", "TfKeras", "Onnx"),
        )


class Models(Served):
    def setUp(self):
        super().setUp()
        os.chdir(self.folder)

    def register(self, name, **more):
        self.write("model.pkl", "weights")
        with self.printed() as out:
            made = Model.register(self.ws, model_path="model.pkl", model_name=name, **more)
        self.assertEqual(out.getvalue(), "Registering model {}\n".format(name))
        return made

    def tracked(self, experiment):
        run = Experiment(self.ws, experiment).start_logging(snapshot_directory=None)
        run.upload_file("outputs/model.pkl", self.write("made.pkl", "weights"))
        return run

    def test_registering_and_finding(self):
        first = self.register(
            "churn",
            tags={"a": 1},
            properties={"p": "1"},
            description="d",
            model_framework=Model.Framework.SCIKITLEARN,
            model_framework_version="1.5",
        )
        self.assertEqual((first.name, first.version, first.id), ("churn", 1, "churn:1"))
        self.assertEqual((first.tags, first.properties, first.description), ({"a": "1"}, {"p": "1"}, "d"))
        self.assertEqual((first.model_framework, first.model_framework_version), ("ScikitLearn", "1.5"))
        self.assertEqual((first.run_id, first.run, first.experiment_name), (None, None, None))
        self.assertIsNotNone(first.created_time)
        self.assertEqual(self.register("churn", tags={"a": 2}).id, "churn:2")
        for found, wanted in [
            (Model(self.ws, "churn"), 2),
            (Model(self.ws, name="churn", version=1), 1),
            (Model(self.ws, id="churn:1"), 1),
            (Model(self.ws, "churn", tags=[["a", "1"]]), 1),
            (Model(self.ws, "churn", tags=["a"]), 2),
            (Model(self.ws, "churn", model_framework="ScikitLearn"), 1),
        ]:
            self.assertEqual(found.version, wanted)
        self.assertEqual([one.id for one in Model.list(self.ws, name="churn")], ["churn:2", "churn:1"])
        self.assertEqual([one.id for one in Model.list(self.ws, "churn", tags=["a", ["a", "1"]])], ["churn:1"])
        self.assertEqual([one.id for one in Model.list(self.ws, "churn", properties=[["p", "1"]])], ["churn:1"])
        self.assertEqual([one.id for one in Model.list(self.ws, "churn", latest=True)], ["churn:2"])
        self.assertEqual(self.ws.models["churn"].version, 2)
        said = first.serialize()
        self.assertEqual((said["id"], said["framework"], said["tags"]), ("churn:1", "ScikitLearn", {"a": "1"}))
        self.assertEqual(Model.deserialize(self.ws, said).serialize(), said)
        self.assertIn("name=churn, id=churn:1, version=1", repr(first))

    def test_a_model_of_a_run(self):
        run = self.tracked("by-hand")
        with self.refused(ModelPathNotFoundException, "outputs/none.pkl") as caught:
            run.register_model("of-run", "outputs/none.pkl")
        self.assertIn("outputs/model.pkl", caught.exception.message)
        with self.printed() as out:
            model = run.register_model("of-run", model_path="outputs/model.pkl", tags={"k": "v"})
        self.assertEqual(out.getvalue(), "")
        run.complete()
        self.assertEqual((model.id, model.run_id, model.experiment_name), ("of-run:1", run.id, "by-hand"))
        self.assertEqual((model.run.id, model.tags), (run.id, {"k": "v"}))
        self.assertEqual([one.id for one in Model.list(self.ws, run_id=run.id)], ["of-run:1"])
        # Without a path the file is the one of the model's name.
        other = self.tracked("by-hand")
        other.upload_file("bare", "made.pkl")
        self.assertEqual(other.register_model("bare").name, "bare")
        other.complete()

    def test_files_are_fetched(self):
        self.register("fetched")
        model = Model(self.ws, "fetched")
        where = model.download(target_dir="to")
        self.assertEqual(where, os.path.join("to", "model.pkl"))
        with open(where, encoding="utf-8") as file:
            self.assertEqual(file.read(), "weights")
        with self.refused(WebserviceException, "already exists"):
            model.download("to")
        self.assertEqual(model.download("to", exist_ok=True), where)
        with self.refused(WebserviceException, "exists_ok"):
            model.download("to", exists_ok=True)
        self.assertEqual(
            Model.get_model_path("fetched", _workspace=self.ws), "azureml-models/fetched/1/model.pkl"
        )
        self.assertEqual(Model.get_model_path("fetched"), "azureml-models/fetched/1/model.pkl")

    def test_folders_are_kept_whole(self):
        self.write("net/outputs/w.bin", "1")
        self.write("net/.gitignore", "*")
        with self.printed():
            model = Model.register(self.ws, "net", "net")
        self.assertEqual(model.download("to"), "to/net")
        self.assertEqual(sorted(os.listdir("to/net")), [".gitignore", "outputs"])

    def test_tags_and_properties(self):
        model = self.register("changed", tags={"a": "1", "b": "2"}, properties={"p": "1"})
        model.add_tags({"c": 3})
        model.remove_tags(["a"])
        model.add_properties({"q": "2"})
        self.assertEqual((model.tags, model.properties), ({"b": "2", "c": "3"}, {"p": "1", "q": "2"}))
        with self.refused(WebserviceException, "property `p`"):
            model.add_properties({"p": "2"})
        model.update_tags_properties(add_tags={"d": "4"}, remove_tags=["b"], add_properties={"r": "3"})
        self.assertEqual(model.tags, {"c": "3", "d": "4"})
        model.update(tags={"only": "this"}, description="new")
        found = Model(self.ws, "changed")
        self.assertEqual((found.tags, found.description), ({"only": "this"}, "new"))
        self.assertEqual(found.properties, {"p": "1", "q": "2", "r": "3"})

    def test_deleting(self):
        self.register("gone").delete()
        with self.refused(WebserviceException, "ModelNotFound") as caught:
            Model(self.ws, "gone")
        self.assertNotIsInstance(caught.exception, ModelNotFoundException)
        self.assertEqual(self.register("gone").version, 2)

    def test_what_is_refused(self):
        self.register("There")
        for asked in (dict(name="none"), dict(name="There", version=7), dict(id="There:x"), dict(id="none:1")):
            with self.refused(WebserviceException, "ModelNotFound"):
                Model(self.ws, **asked)
        with self.refused(WebserviceException, "id or name"):
            Model(self.ws)
        with self.assertRaisesRegex(FileNotFoundError, "Path does not exist"):
            Model.register(self.ws, "none.pkl", "m")
        outside = os.path.join(self.place, "outside.pkl")
        with open(outside, "w", encoding="utf-8") as file:
            file.write("x")
        with self.assertRaisesRegex(PermissionError, "inside the current working directory"):
            Model.register(self.ws, outside, "m")
        with self.refused(WebserviceException, "model name is invalid"):
            Model.register(self.ws, "model.pkl", "a b")
        with self.printed(), self.refused(WebserviceException, "`There`"):
            Model.register(self.ws, "model.pkl", "there")
        with self.assertRaises(NotYetException):
            Model.register(self.ws, "model.pkl", "m", child_paths=["a"])
        with self.assertRaises(NotYetException):
            Model.deploy(self.ws, "service", [])
        self.assertEqual(Model.list(self.ws, name="m"), [])

    def test_a_workspace_has_its_own_models(self):
        self.register("apart")
        other = Workspace.create("other", show_output=False)
        self.assertEqual(Model.list(other), [])
        with self.refused(WebserviceException, "ModelNotFound"):
            Model(other, "apart")

    def test_inside_a_run_a_model_is_registered_when_its_files_are_kept(self):
        self.write(
            "train.py",
            "import os\n"
            "from azureml.core import Run\n"
            "os.makedirs('outputs', exist_ok=True)\n"
            "open('outputs/model.pkl', 'w').write('weights')\n"
            "run = Run.get_context()\n"
            "model = run.register_model('by-script', 'outputs/model.pkl', tags={'k': 'v'}, model_framework='ScikitLearn')\n"
            "print(model.name, model.id, model.version)\n"
            "run.register_model('none', 'outputs/none.pkl')\n",
        )
        config = ScriptRunConfig(source_directory=self.folder, script="train.py")
        run = Experiment(self.ws, "by-script").submit(config)
        self.completed(run)
        model = Model(self.ws, "by-script")
        self.assertEqual((model.version, model.run_id, model.tags), (1, run.id, {"k": "v"}))
        self.assertEqual(model.model_framework, "ScikitLearn")
        with open(model.download(target_dir="fetched")) as file:
            self.assertEqual(file.read(), "weights")
        with self.refused(WebserviceException, "ModelNotFound"):
            Model(self.ws, "none")
        notes = [one["event"].get("message", "") for one in self.ws._server.get("/runs/{}/events".format(run.id)) or []]
        self.assertTrue(any("model `none` was not registered" in note for note in notes), notes)


if __name__ == "__main__":
    unittest.main()
