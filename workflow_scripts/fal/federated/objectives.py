"""What clients minimize, by the names that strategies have for it (``Strategy.training``)."""

from fal.federated.cohort import ObjectiveMaker, supervised
from fal.federated.kcfu import kcfu

OBJECTIVES: dict[str, ObjectiveMaker] = {
    "common": supervised,
    "kcfu": kcfu,
    "local": supervised,
}
