"""Images: given up in v1 already."""

from outhaul_azureml.lazy import attributes as _attributes

_PLACES = {
    "ContainerImage": "azureml.core.image.container",
    "Image": "azureml.core.image.image",
}
__all__ = list(_PLACES)

__getattr__, __dir__ = _attributes(__name__, _PLACES)
