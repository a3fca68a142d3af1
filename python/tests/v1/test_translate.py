"""What an environment of v1 means as one of Outhaul, and back."""

import unittest

from azureml.core import Environment
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import DockerBuildContext, SparkPackage
from azureml.core.runconfig import DEFAULT_GPU_IMAGE, DockerConfiguration
from azureml.exceptions import RunConfigurationException, UserErrorException
from outhaul_azureml.environment import curated, translate
from outhaul_azureml.planned import NotYetException

from v1.support import Case

MANAGED = {"kind": "managed"}


def environment(**changes):
    made = Environment("e")
    for name, value in changes.items():
        section, _, attribute = name.partition("__")
        setattr(getattr(made, section), attribute, value)
    return made


class Translation(Case):
    def test_an_untouched_environment_asks_for_nothing(self):
        self.assertEqual(translate.spec(Environment("e")), {"name": "e", "interpreter": MANAGED})

    def test_packages(self):
        packages = CondaDependencies.create(
            conda_packages=["scikit-learn", "pip"],
            pip_packages=["numpy", "azureml-sdk[notebooks]", "azureml-mlflow==1.5"],
        )
        packages.set_pip_option("--extra-index-url https://packages.example.org/simple")
        self.assertEqual(
            translate.packages(packages),
            {
                # v1 put that Python in by itself: any 3.10 will do. So it did with `anaconda`.
                "interpreter": {"kind": "managed", "version": "3.10"},
                "conda": ["scikit-learn"],
                "channels": ["conda-forge"],
                "pip": ["numpy", "mlflow-skinny"],
                "index_options": ["--extra-index-url https://packages.example.org/simple"],
            },
        )

    def test_a_python_that_was_asked_for_is_kept(self):
        for text, version in [
            ("=3.9.7", "3.9.7"),
            ("=3.9", "3.9"),
            ("==3.9.*", "3.9"),
            (">=3.9,<3.12", ">=3.9,<3.12"),
            ("=3.9.7=h123", "3.9.7"),
            ("", None),
            ("=3.10.18", "3.10"),
            ("=3.8.13", "3.8"),
            ("=3.6.2", "3.8"),
        ]:
            self.assertEqual(translate.python_version(text), version, text)

    def test_channels_that_were_chosen_are_kept(self):
        packages = CondaDependencies.create(conda_packages=["bioconda::x"])
        packages.add_channel("bioconda")
        self.assertEqual(translate.packages(packages)["channels"], ["anaconda", "conda-forge", "bioconda"])

    def test_packages_of_the_sdk_are_left_out(self):
        self.assertEqual(
            [
                translate.instead(one)
                for one in ("azureml-core", "AzureML_Defaults~=1.0", "azureml-inference-server-http", "a")
            ],
            [None, None, "azureml-inference-server-http", "a"],
        )

    def test_variables(self):
        env = Environment("e")
        env.environment_variables["A"] = 1
        self.assertEqual(translate.spec(env)["variables"], {"A": "1"})
        env.environment_variables = {"EXAMPLE_ENV_VAR": "mine"}
        self.assertEqual(translate.spec(env)["variables"], {"EXAMPLE_ENV_VAR": "mine"})

    def test_an_interpreter_of_ones_own(self):
        made = translate.spec(environment(python__user_managed_dependencies=True))
        self.assertEqual(made["interpreter"], {"kind": "user_managed", "python": "python3"})
        made = translate.spec(environment(python__user_managed_dependencies=True, python__interpreter_path="/opt/p"))
        self.assertEqual(made["interpreter"]["python"], "/opt/p")

    def test_containers(self):
        self.assertNotIn("docker", translate.spec(Environment("e")))
        plain = translate.spec(Environment("e"), DockerConfiguration(use_docker=True, arguments=["--network", "host"]))
        self.assertEqual(plain["docker"]["arguments"], ["--network", "host"])
        self.assertEqual(plain["docker"]["shm_size"], 2 << 30)
        self.assertNotIn("gpus", plain["docker"])
        made = translate.spec(environment(docker__base_image=DEFAULT_GPU_IMAGE, docker__enabled=True))
        self.assertTrue(made["docker"]["gpus"])
        image = translate.spec(Environment.from_docker_image("e", "python:3.11"))
        self.assertEqual((image["docker"]["image"], image["interpreter"]), ("python:3.11", MANAGED))
        text = translate.spec(Environment.from_dockerfile("e", "FROM x\n"))
        self.assertEqual(text["docker"]["dockerfile"], "FROM x\n")
        registry = Environment.from_docker_image("e", "team/image")
        registry.docker.base_image_registry.address = "registry.example.org"
        self.assertEqual(translate.spec(registry)["docker"]["image"], "registry.example.org/team/image")

    def test_what_containers_cannot_do_yet_says_so(self):
        with self.refused(NotYetException, "DockerBuildContext"):
            translate.spec(Environment.from_docker_build_context("e", DockerBuildContext()))
        secret = Environment.from_docker_image("e", "x")
        secret.docker.base_image_registry.password = "hunter2"
        with self.refused(NotYetException, "docker login") as caught:
            translate.spec(secret)
        self.assertNotIn("hunter2", str(caught.exception))

    def test_spark(self):
        env = Environment("e")
        env.spark.packages = [SparkPackage("org.x", "lib_2.12", "1.0")]
        env.spark.repositories = ["https://repository.example.org"]
        spec = translate.spec(env)
        self.assertEqual(
            spec["spark"], {"packages": ["org.x:lib_2.12:1.0"], "repositories": ["https://repository.example.org"]}
        )
        back = translate.environment("e", "1", spec)
        self.assertEqual(translate.spec(back), spec)
        env.spark.packages = [SparkPackage("org.x", "lib")]
        with self.refused(RunConfigurationException, "group, artifact and version"):
            translate.spec(env)

    def test_sizes(self):
        for text, size in [("2g", 2 << 30), ("512m", 512 << 20), ("1.5GB", 3 << 29), ("64", 64), ("1b", 1)]:
            self.assertEqual(translate.size_in_bytes(text), size)
        with self.refused(UserErrorException, "lots"):
            translate.size_in_bytes("lots")

    def test_there_and_back(self):
        for env in (
            Environment.from_docker_image("e", "python:3.11"),
            Environment.from_dockerfile("e", "FROM x\n"),
            environment(python__user_managed_dependencies=True, python__interpreter_path="/opt/p"),
            environment(
                python__conda_dependencies=CondaDependencies.create(
                    python_version="3.9.7",
                    conda_packages=["scipy"],
                    pip_packages=["numpy>=1"],
                    pip_indexurl="https://a.b/c",
                )
            ),
        ):
            env.environment_variables = {"A": "1"}
            spec = translate.spec(env)
            back = translate.environment("e", "3", spec)
            self.assertEqual(back.version, "3")
            self.assertEqual(translate.spec(back), spec)


class Curated(Case):
    def test_names_are_read(self):
        for name, python, first in [
            ("AzureML-Minimal", ">=3.8", None),
            ("AzureML-sklearn-1.0-ubuntu20.04-py38-cpu", "3.8", "scikit-learn==1.0.*"),
            ("AzureML-sklearn-0.24-ubuntu18.04-py37-cpu", "3.8", "scikit-learn==0.24.*"),
            ("AzureML-Scikit-learn-0.20.3", ">=3.8", "scikit-learn>=0.23"),
            ("AzureML-ACPT-pytorch-1.13-py38-cuda11.7-gpu", "3.8", "torch==1.13.*"),
            ("AzureML-TensorFlow-2.2-GPU", ">=3.8", "tensorflow==2.2.*"),
            ("AzureML-lightgbm-3.3-ubuntu18.04-py37-cpu", "3.8", "lightgbm==3.3.*"),
        ]:
            found = curated.spec(name)
            self.assertEqual((found["interpreter"]["version"], (found.get("pip") or [None])[0]), (python, first), name)
        self.assertIsNone(curated.spec("AzureML-Unheard-1.0"))
        for name in curated.NAMES:
            self.assertIsNotNone(curated.spec(name), name)


if __name__ == "__main__":
    unittest.main()
