"""The rooms behind the `azureml` modules: Azure ML SDK v1's calls, played on Outhaul.

What users import is the tree `azureml/`, whose files only name things that live here. Rooms: `config` (run
configurations), `environment`, `compute`, `workspace`, `run`, `data`, `coverage`, and `table` (the facts of v1's calls).
Kept empty on purpose: runs pay for what is imported here.
"""
