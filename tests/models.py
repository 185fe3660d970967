"""The service models from which ours are generated, as botocore reads them (`make models`).

They are newer than those of the botocore that the tests run on: a client of boto3 knows their
newest operations only if it is told where they stand (`newest`).
"""

import sys
from pathlib import Path

import boto3
import botocore.loaders
import botocore.model
import botocore.session

SEARCHED = str(Path(sys.prefix) / "models" / "botocore" / "data")

OURS = str(Path(__file__).resolve().parents[1] / "docs" / "models")

_LOADER = botocore.loaders.Loader(
    extra_search_paths=[SEARCHED, OURS], include_default_search_paths=False
)


def newest() -> boto3.Session:
    """A session of boto3 whose clients know the newest operations."""
    core = botocore.session.get_session()
    core.get_component("data_loader").search_paths.insert(0, SEARCHED)
    return boto3.Session(botocore_session=core)


def service_model(name: str) -> botocore.model.ServiceModel:
    """The model of a service, by the folder of its name, with what we describe of it ourselves."""
    model = _LOADER.load_service_model(name, "service-2")
    if Path(OURS, f"{name}-sessions").exists():
        more = _LOADER.load_service_model(f"{name}-sessions", "service-2")
        both = {part: {**model[part], **more[part]} for part in ("operations", "shapes")}
        model = {**model, **both}
    return botocore.model.ServiceModel(model, name)
