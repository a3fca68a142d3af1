"""What a model asks of a machine: planned."""

from outhaul_azureml.planned import fill as _fill

_fill(__name__, globals())
