"""Which calls of somebody's script or notebook work with Outhaul, and which do not yet.

    python -m outhaul_azureml.coverage train.py notebook.ipynb

`source` reads scripts and notebooks, `calls` finds the uses of v1 in their syntax trees, `judge` says of each use whether
it works, `report` prints. What is known of v1 comes from the same table as the calls that do not work yet.
"""
