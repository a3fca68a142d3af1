"""Datastores, references and datasets, and how they reach a run."""

import importlib.util
import os
import subprocess
import sys
import unittest

import notebooks
from azureml.core import Dataset, Datastore, Experiment, RunConfiguration, ScriptRunConfig
from azureml.core.runconfig import DataReferenceConfiguration
from azureml.data import DataReference, OutputFileDatasetConfig
from azureml.data.datapath import DataPath, DataPathComputeBinding
from azureml.data.dataset_factory import DataType
from azureml.exceptions import UserErrorException
from outhaul_azureml.data import delivery
from outhaul_azureml.planned import NotYetException

from v1.served import PROGRAM, Served

HAS_PANDAS = importlib.util.find_spec("pandas") is not None
SCRIPT = """
import os, sys
from azureml.core import Run
run = Run.get_context()
print(sorted(os.listdir(sys.argv[1])), open(sys.argv[2]).read())
print(run.input_datasets["folder"] == sys.argv[1])
print(os.environ["AZUREML_DATAREFERENCE_folder"] == sys.argv[1], type(run.input_datasets["rows"]).__name__)
"""


class Data(Served):
    def setUp(self):
        super().setUp()
        self.store = self.ws.get_default_datastore()
        self.target = self.id().rsplit(".", 1)[-1]

    def fill(self, **files):
        for name, text in files.items():
            self.write("src/" + name.replace("__", "/"), text)
        with self.printed():
            self.store.upload(self.folder + "/src", self.target)
        return (self.store, self.target)

    def test_the_datastores_of_a_workspace(self):
        self.assertEqual(self.store.name, "workspaceblobstore")
        self.assertEqual((type(self.store).__name__, self.store.datastore_type), ("AzureBlobDatastore", "AzureBlob"))
        self.assertEqual(Datastore(self.ws, "workspacefilestore").datastore_type, "AzureFile")
        self.assertEqual(Datastore.get(self.ws, "workspaceblobstore").name, Datastore.get_default(self.ws).name)
        self.ws.set_default_datastore("workspacefilestore")
        self.assertEqual(Datastore(self.ws).name, "workspacefilestore")
        self.store.set_as_default()
        for call, words in [
            (lambda: Datastore.get(self.ws, "nowhere"), "Could not find datastore nowhere"),
            (lambda: self.store.unregister(), "cannot be unregistered"),
            (lambda: self.store.upload("nowhere"), "is not a folder"),
            (lambda: self.store.upload_files(["nowhere"]), "no file nowhere"),
            (lambda: self.store.upload_files([__file__], target_path="../.."), "leads out"),
        ]:
            with self.refused(UserErrorException, words):
                call()
        with self.refused(NotYetException, "blob containers first"):
            Datastore.register_azure_blob_container(self.ws, "n", "c", "a")

    def test_uploading_and_downloading(self):
        self.write("src/a.txt", "A")
        self.write("src/d/b.txt", "B")
        with self.printed() as out:
            reference = self.store.upload(self.folder + "/src", "up")
        self.assertIn("Uploaded 2 files", out.getvalue())
        self.assertEqual(reference.path_on_datastore, "up")
        with self.printed() as out:
            self.store.upload(self.folder + "/src", "up")
        self.assertIn("Target already exists. Skipping upload for up/a.txt", out.getvalue())
        self.write("src/a.txt", "changed")
        with self.printed():
            self.store.upload_files([self.folder + "/src/a.txt"], target_path="up", overwrite=True)
            self.assertEqual(self.store.download(self.folder + "/got", "up"), 2)
        with open(self.folder + "/got/up/a.txt", encoding="utf-8") as file:
            self.assertEqual(file.read(), "changed")
        with self.printed():
            self.assertEqual(self.store.download(self.folder + "/got", "up"), 0)
            self.assertEqual(self.store.download(self.folder + "/one", "up/d/b.txt"), 1)

    def test_references(self):
        reference = self.store.path("a/b", data_reference_name="in").as_mount()
        self.assertEqual((str(reference), reference.mode), ("$AZUREML_DATAREFERENCE_in", "mount"))
        self.assertEqual(str(self.store.path()), "$AZUREML_DATAREFERENCE_workspaceblobstore")
        self.assertEqual(reference.path("c").path_on_datastore, "a/b/c")
        self.assertEqual(self.store.as_download("x").to_config().path_on_compute, "x")
        path = DataPath(self.store, "a", "n")
        made = DataReference.create("r", path, DataPathComputeBinding("download"))
        self.assertEqual((made.mode, DataPath.create_from_data_reference(made).path_on_datastore), ("download", "a"))
        with self.refused(UserErrorException, "copy"):
            DataReference(self.store, mode="copy")

    def test_datasets_of_files(self):
        where = self.fill(a__csv="1", d__b__csv="2", d__c__txt="3")
        # The names of files cannot hold dots in a call.
        names = ["/a/csv", "/d/b/csv", "/d/c/txt"]
        found = Dataset.File.from_files(where)
        self.assertEqual(found.to_path(), names)
        self.assertEqual(Dataset.File.from_files([where, where]).to_path(), names)
        self.assertEqual(
            Dataset.File.from_files((self.store, self.target + "/**/csv")).to_path(), ["/a/csv", "/d/b/csv"]
        )
        self.assertEqual(Dataset.File.from_files(self.folder + "/src/d").to_path(), ["/b/csv", "/c/txt"])
        self.assertEqual(len(found.download(self.folder + "/down")), 3)
        with self.refused(UserErrorException, "overwrite=True"):
            found.download(self.folder + "/down")
        with found.mount() as mounted:
            with open(mounted.mount_point + "/d/c/txt", encoding="utf-8") as file:
                self.assertEqual(file.read(), "3")
        self.assertFalse(os.path.exists(mounted.mount_point))
        self.assertEqual((found.take(1).to_path(), found.skip(2).to_path()), (names[:1], names[2:]))
        first, second = found.random_split(0.5, seed=1)
        self.assertEqual(sorted(first.to_path() + second.to_path()), names)
        self.assertEqual(found.take_sample(1.0, seed=1).to_path(), names)
        with self.refused(UserErrorException, "No files were found"):
            Dataset.File.from_files(self.folder + "/nothing*")
        with self.printed():
            up = Dataset.File.upload_directory(self.folder + "/src", (self.store, "dir"), pattern="*csv")
        self.assertEqual(up.to_path(), ["/a/csv", "/d/b/csv"])
        with self.refused(NotYetException, "filter"):
            found.filter(None)

    def test_registered_datasets(self):
        where = self.fill(a="1")
        found = Dataset.File.from_files(where).register(self.ws, "reg", description="d", tags={"k": "v"})
        self.assertEqual((found.name, found.version, found.description, found.tags), ("reg", 1, "d", {"k": "v"}))
        self.assertEqual(Dataset.File.from_files(where).register(self.ws, "reg").version, 1)
        self.write("src/b", "2")
        other = Dataset.File.from_files(self.folder + "/src")
        with self.refused(UserErrorException, "create_new_version=True"):
            other.register(self.ws, "reg")
        self.assertEqual(other.register(self.ws, "reg", create_new_version=True).version, 2)
        self.assertEqual(Dataset.get_by_name(self.ws, "reg").version, 2)
        self.assertEqual(Dataset.get_by_name(self.ws, name="reg", version=1).to_path(), ["/a"])
        self.assertEqual(Dataset.get_by_id(self.ws, found.id).name, "reg")
        self.assertEqual(found.add_tags({"n": "1"}).tags, {"k": "v", "n": "1"})
        self.assertEqual(self.ws.datasets["reg"].version, 2)
        found.unregister_all_versions()
        with self.refused(UserErrorException, 'Cannot find dataset registered with name "reg"'):
            Dataset.get_by_name(self.ws, "reg")
        with self.refused(UserErrorException, "not registered"):
            other.update("x")

    def test_rows(self):
        if not HAS_PANDAS:
            self.in_a_python_with_pandas()
            return
        self.write("src/a.csv", "x;y\n1;true\n2;false\n3;true\n")
        self.write("src/b.csv", "x;y\n4;false\n")
        rows = Dataset.Tabular.from_delimited_files(
            self.folder + "/src/*.csv",
            separator=";",
            set_column_types={"y": DataType.to_bool(), "x": DataType.to_float()},
        )
        frame = rows.to_pandas_dataframe()
        self.assertEqual((list(frame["x"]), list(frame["y"])), ([1.0, 2.0, 3.0, 4.0], [True, False, True, False]))
        self.assertEqual(list(rows.skip(1).take(2).to_pandas_dataframe()["x"]), [2.0, 3.0])
        self.assertEqual(list(rows.keep_columns("y").to_pandas_dataframe().columns), ["y"])
        self.assertEqual(list(rows.drop_columns(["y"]).to_pandas_dataframe().columns), ["x"])
        first, second = rows.random_split(0.5, seed=3)
        both = list(first.to_pandas_dataframe()["x"]) + list(second.to_pandas_dataframe()["x"])
        self.assertEqual(sorted(both), [1.0, 2.0, 3.0, 4.0])
        with self.refused(UserErrorException, "no column z"):
            rows.keep_columns(["z"], validate=True)
        bare = Dataset.Tabular.from_delimited_files(self.folder + "/src/b.csv", header=False, include_path=True)
        self.assertEqual(list(bare.to_pandas_dataframe().columns), ["Path", "Column1"])
        lines = Dataset.Tabular.from_json_lines_files(self.write("l.jsonl", '{"a": 1}\n{"a": 2}\n'))
        self.assertEqual(list(lines.to_pandas_dataframe()["a"]), [1, 2])

    def in_a_python_with_pandas(self):
        """Runs the calling test in the Python for notebooks, which has pandas."""
        python = notebooks.python(self)
        done = subprocess.run(
            [python, "-m", "unittest", self.id()],
            cwd=os.path.dirname(os.path.dirname(os.path.abspath(__file__))),
            env=dict(os.environ, OUTHAUL_TEST_BIN=PROGRAM),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            universal_newlines=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("Ran 1 test", done.stdout)
        self.assertNotIn("skipped", done.stdout)

    def test_rows_without_pandas(self):
        rows = Dataset.Tabular.from_delimited_files(self.write("a.csv", "x\n1\n"))
        hidden = sys.modules.get("pandas")
        sys.modules["pandas"] = None
        try:
            with self.refused(UserErrorException, "pandas is not installed here"):
                rows.to_pandas_dataframe()
        finally:
            if hidden is None:
                del sys.modules["pandas"]
            else:
                sys.modules["pandas"] = hidden

    def test_data_reaches_a_run(self):
        where = self.fill(a="1", b="2")
        project = os.path.dirname(self.write("p/train.py", SCRIPT))
        folder = Dataset.File.from_files(where).as_named_input("folder").as_mount()
        rows = Dataset.Tabular.from_delimited_files(self.write("r.csv", "x\n1\n")).as_named_input("rows")
        reference = self.store.path(self.target + "/a", data_reference_name="one").as_download()
        self.assertEqual(str(folder), "DatasetConsumptionConfig:folder")
        config = ScriptRunConfig(project, "train.py", arguments=[folder, reference, rows])
        run = Experiment(self.ws, "data").submit(config)
        self.completed(run)
        self.assertEqual(run._log_text("user_logs/std_log.txt"), "['a', 'b'] 1\nTrue\nTrue TabularDataset\n")

    def test_references_as_scripts_of_2019_give_them(self):
        self.fill(a="1")
        reference = self.store.path(self.target, data_reference_name="old").as_download()
        config = RunConfiguration()
        config.data_references = {"old": reference.to_config(), "given": reference}
        inputs = delivery.Inputs(self.ws, config, local=True)
        folder = os.path.join(self.store._folder, self.target)
        self.assertEqual(inputs.argument(str(reference)), folder)
        self.assertEqual(inputs.argument(str(reference) + "/a"), folder + "/a")
        self.assertEqual(inputs.argument("$AZUREML_DATAREFERENCE_other"), "$AZUREML_DATAREFERENCE_other")
        self.assertEqual(inputs.argument("$HOME"), "$HOME")
        self.assertEqual(
            inputs.variables(), {"AZUREML_DATAREFERENCE_old": folder, "AZUREML_DATAREFERENCE_given": folder}
        )
        sent = delivery.Inputs(self.ws, config, local=False)
        self.assertEqual(sent.argument(str(reference)), ".outhaul-inputs/old")
        self.assertEqual([name for name, _ in sent.travelling["old"]], ["a"])
        config.data_references = {"x": DataReferenceConfiguration("nowhere")}
        with self.refused(UserErrorException, "nowhere"):
            delivery.Inputs(self.ws, config, local=True)

    def test_what_cannot_be_delivered_says_so(self):
        where = self.fill(a="1")
        files = Dataset.File.from_files(where)
        inputs = delivery.Inputs(self.ws, RunConfiguration(), local=True)
        with self.refused(UserErrorException, "as_named_input"):
            inputs.argument(files)
        with self.refused(NotYetException, "OutputFileDatasetConfig"):
            OutputFileDatasetConfig()
        elsewhere = delivery.Inputs(self.ws, RunConfiguration(), local=False)
        with self.refused(NotYetException, "other machines"):
            elsewhere.argument(self.store.path("a").as_upload())
        with self.refused(UserErrorException, "No files"):
            elsewhere.argument(self.store.path("nothing-there"))
        with self.refused(UserErrorException, "Invalid name"):
            files.as_named_input("a b")
        # Some of the files: they are linked into a folder.
        part = inputs.argument(Dataset.File.from_files(where).take(1).as_named_input("part").as_mount())
        self.assertEqual(os.listdir(part), ["a"])


if __name__ == "__main__":
    unittest.main()
