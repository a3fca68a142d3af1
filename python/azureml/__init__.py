"""Azure ML SDK v1's modules, played on Outhaul. Scripts and notebooks import from here as they always did.

Nothing is written in this tree: its files are named as v1's modules and name what stands in `outhaul_azureml`.
"""

from outhaul_azureml.guard import check as _check

_check()
