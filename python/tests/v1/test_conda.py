"""`CondaDependencies`: what v1 puts in by itself, iterators, files, refusals."""

import os
import unittest

from azureml.core.conda_dependencies import CondaDependencies
from azureml.exceptions import UserErrorException

from v1.support import Case


class Conda(Case):
    def test_the_default_is_v1s(self):
        found = CondaDependencies()
        self.assertEqual(
            found.as_dict(),
            {
                "name": "project_environment",
                "dependencies": ["python=3.8.13", {"pip": ["azureml-defaults"]}],
                "channels": ["anaconda", "conda-forge"],
            },
        )
        self.assertEqual(found.get_python_version(), "3.8.13")

    def test_create(self):
        plain = CondaDependencies.create(conda_packages=["scikit-learn"])
        self.assertEqual(list(plain.conda_packages), ["python=3.10.18", "scikit-learn"])
        # Added though nobody asked; packages of the SDK are pinned.
        self.assertRegex(" ".join(plain.pip_packages), r"^azureml-defaults~=\d")
        exact = CondaDependencies.create(
            pip_packages=["numpy", "azureml-core"], python_version="3.8", pin_sdk_version=False
        )
        self.assertEqual(list(exact.pip_packages), ["numpy", "azureml-core"])
        self.assertEqual(exact.get_python_version(), "3.8")
        self.assertEqual(list(CondaDependencies.create(pip_packages=[]).pip_packages), [])
        index = CondaDependencies.create(pip_indexurl="https://packages.example.org/simple", pip_packages=["a"])
        self.assertEqual(list(index.pip_options), ["--index-url https://packages.example.org/simple"])
        with self.refused(UserErrorException, "list"):
            CondaDependencies.create(pip_packages="numpy")

    def test_packages_are_iterators(self):
        found = CondaDependencies()
        for one in (found.conda_packages, found.pip_packages, found.conda_channels, found.pip_options):
            self.assertIs(iter(one), one)

    def test_adding_replaces_and_removing_needs_no_version(self):
        found = CondaDependencies.create(pip_packages=["numpy==1.0", "Scikit_Learn"])
        found.add_pip_package("numpy>=2")
        found.remove_pip_package("scikit-learn==1.1")
        self.assertEqual(list(found.pip_packages), ["numpy>=2"])
        found.add_conda_package("scipy=1.1")
        found.add_conda_package("scipy")
        self.assertEqual(list(found.conda_packages), ["python=3.10.18", "scipy"])
        self.assertIsInstance(found.as_dict()["dependencies"][-1], dict)
        found.remove_conda_package("scipy")
        found.set_python_version("3.11")
        self.assertEqual(list(found.conda_packages), ["python=3.11"])
        found.add_channel("x")
        found.add_channel("x")
        found.remove_channel("anaconda")
        self.assertEqual(list(found.conda_channels), ["conda-forge", "x"])
        found.set_pip_option("--extra-index-url https://a")
        found.remove_pip_option("--extra-index-url")
        self.assertEqual(list(found.pip_options), [])
        found.set_pip_requirements(["a==1", "--pre"])
        self.assertEqual((list(found.pip_packages), list(found.pip_options)), (["a==1"], ["--pre"]))
        found.add_tensorflow_pip_package()
        self.assertIn("tensorflow==2.2.0", list(found.pip_packages))

    def test_requirements_are_merged(self):
        self.assertEqual(CondaDependencies.merge_requirements(["a>=1", "a<2", "b", "a>=1"]), ["a>=1,<2", "b"])

    def test_files(self):
        path = self.write(
            "in.yml", "name: x\ndependencies:\n  - python=3.9\n  - pip:\n    - numpy\nvariables:\n  A: 1\n"
        )
        found = CondaDependencies(path)
        self.assertEqual((found.get_python_version(), list(found.pip_packages)), ("3.9", ["numpy"]))
        written = found.save(os.path.join(self.folder, "out.yml"))
        self.assertEqual(CondaDependencies(written).as_dict(), found.as_dict())
        self.assertEqual(found.save_to_file(self.folder), "auto_conda_dependencies.yml")
        self.assertTrue(os.path.isfile(os.path.join(self.folder, "auto_conda_dependencies.yml")))

    def test_wrong_files_are_refused(self):
        with self.refused(UserErrorException, "not found"):
            CondaDependencies(os.path.join(self.folder, "missing.yml"))
        with self.refused(UserErrorException, "dependancies"):
            CondaDependencies(self.write("a.yml", "dependancies:\n  - python\n"))
        with self.refused(UserErrorException, "not a conda file"):
            CondaDependencies(self.write("b.yml", "- python\n"))
        with self.refused(UserErrorException, "line 2"):
            CondaDependencies(self.write("c.yml", "name: x\n\tdependencies: y\n"))


if __name__ == "__main__":
    unittest.main()
