"""Run configurations, script run configurations and environments as objects: defaults, typo guard, files."""

import os
import unittest

from azureml.core import Environment, RunConfiguration, ScriptRunConfig
from azureml.core.conda_dependencies import CondaDependencies
from azureml.core.environment import DockerBuildContext, SparkPackage
from azureml.core.runconfig import (
    DEFAULT_CPU_IMAGE,
    DataReferenceConfiguration,
    DockerConfiguration,
    MpiConfiguration,
    PyTorchConfiguration,
    TensorflowConfiguration,
)
from azureml.exceptions import RunConfigurationException, UserErrorException
from outhaul_azureml.config.element import from_plain, to_plain

from v1.support import Case, facts


class Configurations(Case):
    def test_serialised_as_in_v1(self):
        found = facts()
        if found is None:
            self.skipTest("the facts of v1 are not here")
        self.maxDiff = None
        self.assertEqual(to_plain(RunConfiguration()), found["resolved_values"]["RunConfiguration() serialised"])
        self.assertEqual(to_plain(Environment("x")), found["resolved_values"]["Environment('x') serialised"])

    def test_a_typo_is_refused(self):
        for thing in (
            RunConfiguration(),
            Environment("x"),
            Environment("x").docker,
            RunConfiguration().spark,
            MpiConfiguration(),
        ):
            with self.assertRaisesRegex(AttributeError, "^<class 'azureml.core.*> has no attribute enviroment$"):
                thing.enviroment = 1

    def test_saved_and_loaded(self):
        config = RunConfiguration(framework="pyspark", conda_dependencies=CondaDependencies.create(pip_packages=["a"]))
        config.target = "gpu"
        config.environment.spark.packages = [SparkPackage("org", "lib", "1.0")]
        config.environment.environment_variables = {"A": "1"}
        config.data_references = {"d": DataReferenceConfiguration("store", path_on_datastore="p")}
        config.save(self.folder, "mine")
        self.assertEqual(sorted(os.listdir(self.folder + "/.azureml")), ["conda_dependencies.yml", "mine.runconfig"])
        loaded = RunConfiguration.load(self.folder, "mine")
        self.assertEqual(to_plain(loaded), to_plain(config))
        self.assertEqual((loaded.target, loaded.environment.spark.packages[0].artifact), ("gpu", "lib"))
        self.assertEqual(to_plain(RunConfiguration.load(self.folder + "/.azureml/mine.runconfig")), to_plain(config))
        RunConfiguration.delete(self.folder, "mine")
        with self.refused(UserErrorException, "mine"):
            RunConfiguration.load(self.folder, "mine")
        config.save(self.folder, "apart", separate_environment_yaml=True)
        self.assertEqual(to_plain(RunConfiguration.load(self.folder, "apart")), to_plain(config))

    def test_keys_may_be_in_snake_case(self):
        self.write(
            "aml_config/old.runconfig", "script: a.py\nnode_count: 3\nhdi:\n  yarn_deploy_mode: client\ntarget: x\n"
        )
        loaded = RunConfiguration.load(self.folder, "old")
        self.assertEqual(
            (loaded.script, loaded.node_count, loaded.hdi.yarn_deploy_mode, loaded.target), ("a.py", 3, "client", "x")
        )

    def test_a_target_is_kept_as_its_name(self):
        class Target:
            name = "gpu"

        config = RunConfiguration()
        config.target = Target()
        self.assertEqual(config.target, "gpu")
        config.target = 7
        self.assertEqual(config.target, "gpu")

    def test_two_configurations_share_nothing(self):
        first, second = RunConfiguration(), RunConfiguration()
        first.arguments.append("x")
        first.docker.arguments.append("y")
        first.environment.environment_variables["A"] = "1"
        self.assertEqual((second.arguments, second.docker.arguments), ([], []))
        self.assertNotIn("A", second.environment.environment_variables)

    def test_values_are_checked(self):
        with self.refused(UserErrorException, "mpi"):
            PyTorchConfiguration("mpi")
        with self.refused(UserErrorException, "copy"):
            DataReferenceConfiguration(mode="copy")
        self.assertEqual(PyTorchConfiguration().communication_backend, "nccl")

    def test_stored_data_with_more_keys_loads(self):
        self.assertEqual(from_plain(MpiConfiguration(), {"nodeCount": 2, "new": 1}).node_count, 2)


class Scripts(Case):
    def test_defaults(self):
        config = ScriptRunConfig(".", "train.py")
        self.assertEqual((config.run_config.target, config.run_config.max_run_duration_seconds), ("local", 2592000))
        self.assertEqual(config.run_config.environment.name, "default-environment")

    def test_distribution(self):
        for given, expected in [
            (MpiConfiguration(2, 3), ("Python", "IntelMpi", 3)),
            (PyTorchConfiguration("Gloo", node_count=2), ("PyTorch", "gloo", 2)),
            (TensorflowConfiguration(worker_count=4), ("TensorFlow", "ParameterServer", 4)),
        ]:
            made = ScriptRunConfig(".", "a.py", distributed_job_config=given).run_config
            self.assertEqual((made.framework, made.communicator, made.node_count), expected)
        with self.refused(RunConfigurationException, "int"):
            ScriptRunConfig(".", "a.py", distributed_job_config=1)

    def test_docker_of_the_environment_is_taken_over(self):
        env = Environment("e")
        env.docker.enabled = True
        env.docker.shm_size = "4g"
        made = ScriptRunConfig(".", "a.py", environment=env).run_config
        self.assertEqual((made.docker.use_docker, made.docker.shm_size), (True, "4g"))
        other = ScriptRunConfig(".", "a.py", environment=env, docker_runtime_config=DockerConfiguration()).run_config
        self.assertFalse(other.docker.use_docker)

    def test_a_run_configuration_wins_over_the_rest_with_a_warning(self):
        config = RunConfiguration(script="theirs.py", arguments=["--a"])
        config.target = "theirs"
        with self.assertLogs("azureml.core.script_run_config", "WARNING") as logs:
            made = ScriptRunConfig(".", script="ours.py", run_config=config, compute_target="ours")
        self.assertEqual((made.run_config.target, made.script, made.arguments), ("theirs", "ours.py", ["--a"]))
        self.assertEqual(len(logs.records), 2)
        with self.refused(UserErrorException, "script and command"):
            ScriptRunConfig(".", script="a.py", command=["b"])


class Environments(Case):
    def test_names(self):
        self.assertIsNone(Environment(None).name)
        with self.refused(UserErrorException, "int"):
            Environment(3)

    def test_ways_to_name_an_image_exclude_each_other(self):
        docker = Environment("e").docker
        with self.assertLogs("azureml.core.environment", "WARNING"):
            docker.base_dockerfile = "FROM x\n"
        self.assertIsNone(docker.base_image)
        with self.assertLogs("azureml.core.environment", "WARNING"):
            docker.build_context = DockerBuildContext()
        self.assertIsNone(docker.base_dockerfile)
        docker.base_image = "y"
        self.assertEqual((docker.base_image, docker.build_context), ("y", None))

    def test_a_dockerfile_is_a_path_a_stream_or_a_text(self):
        path = self.write("Dockerfile", "FROM a\n")
        docker = Environment("e").docker
        for given in (path, "FROM a\n"):
            docker.base_dockerfile = given
            self.assertEqual(docker.base_dockerfile, "FROM a\n")
        with open(path, "rb") as file:
            docker.base_dockerfile = file
        self.assertEqual(docker.base_dockerfile, "FROM a\n")
        with self.refused(UserErrorException, "missing"):
            docker.base_dockerfile = "missing"

    def test_switching_docker_on_still_works_and_warns(self):
        env = Environment("e")
        with self.assertLogs("azureml.core.environment", "WARNING") as logs:
            env.docker.enabled = True
        self.assertTrue(env.docker.enabled)
        self.assertIn("use_docker", logs.output[0])

    def test_ways_to_make_one(self):
        conda = self.write("c.yml", "dependencies:\n  - python=3.9\n")
        pip = self.write("r.txt", "numpy>=1  # why\n# comment\n\n--pre\n")
        self.assertEqual(
            Environment.from_conda_specification("a", conda).python.conda_dependencies.get_python_version(), "3.9"
        )
        made = Environment.from_pip_requirements("b", pip)
        self.assertEqual(list(made.python.conda_dependencies.pip_packages), ["numpy>=1"])
        self.assertEqual(list(made.python.conda_dependencies.pip_options), ["--pre"])
        image = Environment.from_docker_image("c", "python:3.11")
        self.assertEqual((image.docker.base_image, image.python.user_managed_dependencies), ("python:3.11", True))
        both = Environment.from_docker_image("c", "python:3.11", pip_requirements=pip)
        self.assertFalse(both.python.user_managed_dependencies)
        self.assertEqual(Environment.from_dockerfile("d", "FROM x\n").docker.base_dockerfile, "FROM x\n")
        with self.refused(UserErrorException, "not both"):
            Environment.from_dockerfile("d", "FROM x\n", conda, pip)
        with self.refused(UserErrorException, "not found"):
            Environment.from_pip_requirements("b", "missing.txt")
        with self.refused(UserErrorException, "another file"):
            Environment.from_pip_requirements("b", self.write("r2.txt", "-r other.txt\n"))

    def test_copies_and_folders(self):
        env = Environment("e")
        env.python.conda_dependencies.add_pip_package("numpy")
        env.environment_variables = {"A": "1"}
        copy = env.clone("f")
        copy.environment_variables["A"] = "2"
        self.assertEqual((env.environment_variables, copy.name, copy.version), ({"A": "1"}, "f", None))
        folder = os.path.join(self.folder, "saved")
        env.save_to_directory(folder)
        self.assertEqual(to_plain(Environment.load_from_directory(folder)), to_plain(env))
        with self.refused(UserErrorException, "overwrite"):
            env.save_to_directory(folder)
        env.save_to_directory(folder, overwrite=True)
        with self.refused(UserErrorException, "azureml_environment.json"):
            Environment.load_from_directory(self.folder)

    def test_images_can_be_imported_from_both_places(self):
        import azureml.core.environment
        import azureml.core.runconfig

        self.assertEqual(azureml.core.environment.DEFAULT_CPU_IMAGE, DEFAULT_CPU_IMAGE)
        self.assertEqual(azureml.core.runconfig.MPI_CPU_IMAGE, DEFAULT_CPU_IMAGE)


if __name__ == "__main__":
    unittest.main()
