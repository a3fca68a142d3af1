"""Web services of v1 with the real program: deploy, run, reload, update, delete, and the exceptions of v1."""

import json
import os
import urllib.request

from v1.served import Served
from v1.support import Case

from azureml.core import Model, Webservice
from azureml.core.model import InferenceConfig
from azureml.core.webservice import LocalWebservice
from azureml.exceptions import WebserviceException
from outhaul_azureml.planned import NotYetException

SCORE = """
import json
from azureml.core.model import Model

def init():
    global factor
    with open(Model.get_model_path("factor")) as file:
        factor = int(file.read())

def run(data):
    return [value * factor for value in json.loads(data)["data"]]
"""
ROWS = json.dumps({"data": [1, 2]})


class Configurations(Case):
    def setUp(self):
        super().setUp()
        os.chdir(self.folder)

    def test_an_entry_script_is_looked_at_before_anything_is_deployed(self):
        for name, text, words in (
            ("none.py", None, "Unable to find entry script"),
            ("score.txt", "", "has to end in .py"),
            ("my-score.py", "", "is no name of a module"),
            ("wrong.py", "def init(:\n", "Syntax error"),
        ):
            if text is not None:
                self.write(name, text)
            with self.refused(WebserviceException, words):
                InferenceConfig(entry_script=name)
        with self.refused(WebserviceException, "entry_script is empty"):
            InferenceConfig(entry_script="")
        self.write("deploy/score.py", "")
        with self.refused(WebserviceException, "conda_file cannot be given along with environment"):
            InferenceConfig(entry_script="score.py", source_directory="deploy", conda_file="c.yml", environment=object())
        made = InferenceConfig(entry_script="score.py", source_directory="deploy", description="d")
        self.assertEqual((made.entry_script, made.source_directory, made.description), ("score.py", "deploy", "d"))

    def test_ports(self):
        for wrong in (0, 65536, "80", True):
            with self.refused(WebserviceException, "port must be an integer from 1 to 65535"):
                LocalWebservice.deploy_configuration(port=wrong)
        self.assertIsNone(LocalWebservice.deploy_configuration().port)


class Services(Served):
    def setUp(self):
        super().setUp()
        os.chdir(self.folder)
        self.write("deploy/score.py", SCORE)

    def tearDown(self):
        for one in LocalWebservice.list(self.ws):
            one.delete()
        super().tearDown()

    def model(self, factor):
        self.write("factor.txt", str(factor))
        with self.printed():
            return Model.register(self.ws, model_path="factor.txt", model_name="factor")

    def deploy(self, name, models, **more):
        config = InferenceConfig(entry_script="score.py", source_directory="deploy")
        return Model.deploy(self.ws, name, models, config, LocalWebservice.deploy_configuration(), **more)

    def test_the_life_of_a_service(self):
        model = self.model(3)
        service = self.deploy("factor-api", [model])
        with self.printed() as out:
            service.wait_for_deployment(show_output=True)
        self.assertEqual(
            out.getvalue(),
            "Checking container health...\nLocal webservice is running at http://localhost:{}\n".format(service.port),
        )
        self.assertEqual(service.state, "running")
        self.assertEqual(service.run(ROWS), [3, 6])
        self.assertEqual(service.scoring_uri, "http://localhost:{}/score".format(service.port))
        with urllib.request.urlopen(service.swagger_uri) as answer:
            self.assertEqual(answer.status, 200)
        with self.refused(WebserviceException, "Error: Scoring was unsuccessful."):
            service.run("no json")
        self.assertIn("http://127.0.0.1:{}".format(service.port), service.get_logs())

        # Found again by name, in a list, and with the models that it has.
        for found in (Webservice(self.ws, "factor-api"), LocalWebservice(self.ws, "factor-api")):
            self.assertIsInstance(found, LocalWebservice)
            self.assertEqual((found.name, found.state, found.port), ("factor-api", "running", service.port))
        self.assertEqual([one.name for one in LocalWebservice.list(self.ws, model_name="factor")], ["factor-api"])
        self.assertEqual(list(self.ws.webservices), ["factor-api"])
        with self.refused(WebserviceException, "factor-api"):
            model.delete()
        with self.refused(WebserviceException, "with the same name already exists"):
            self.deploy("factor-api", [model])

        self.write("deploy/score.py", SCORE.replace("value * factor", "value * factor + 100"))
        self.assertEqual(service.run(ROWS), [3, 6], "only a reload takes it up")
        with self.printed():
            service.reload(wait=True)
        self.assertEqual(service.run(ROWS), [103, 106])
        with self.printed():
            service.update(models=[self.model(5)], wait=True)
        self.assertEqual(service.run(ROWS), [105, 110])
        with self.refused(WebserviceException, "No parameters provided to update."):
            service.update()

        self.write("deploy/score.py", "def init():\n    raise ValueError('no weights')\ndef run(data): pass\n")
        service.reload()
        with self.printed() as out, self.refused(WebserviceException, "Did your init method fail?"):
            service.wait_for_deployment()
        self.assertIn("Container Logs:", out.getvalue())
        self.assertIn("ValueError: no weights", out.getvalue())
        self.assertEqual(service.run(ROWS), [105, 110], "what answered goes on")
        for call in (service.get_keys, service.get_token, lambda: service.regen_key("Primary")):
            with self.assertRaises(NotImplementedError):
                call()

    def test_one_that_never_comes_up(self):
        self.write("deploy/score.py", "def init():\n    1 / 0\ndef run(data): pass\n")
        service = self.deploy("broken-api", [])
        with self.printed() as out, self.refused(WebserviceException, "Error: Container has crashed."):
            service.wait_for_deployment(show_output=True)
        self.assertIn("ZeroDivisionError", out.getvalue())
        self.assertEqual(service.state, "failed")
        with self.refused(WebserviceException, r"Cannot call run() when service is failed."):
            service.run(ROWS)
        service.delete()
        self.assertEqual(service.state, "deleted")
        with self.refused(WebserviceException, "WebserviceNotFound: Webservice with name broken-api not found"):
            Webservice(self.ws, "broken-api")
        self.assertEqual(LocalWebservice(self.ws, "broken-api", must_exist=False).state, "unknown")

    def test_wrong_requests(self):
        config = InferenceConfig(entry_script="score.py", source_directory="deploy")
        local = LocalWebservice.deploy_configuration()
        with self.refused(WebserviceException, "provided service name is invalid"):
            Model.deploy(self.ws, "Not-A-Name", [], config, local)
        with self.refused(NotYetException, "Container Instances and Kubernetes are planned"):
            Model.deploy(self.ws, "factor-api", [], config)
        with self.refused(WebserviceException, "there is no model `none:1`"):
            Model.deploy(self.ws, "factor-api", ["none:1"], config, local)
        self.assertEqual(LocalWebservice.list(self.ws), [])
