"""A tool that reads CloudTrail reads our log: trailscraper, from files and from LookupEvents.

    python -m scripts.prove_cloudtrail FOLDER        where trailscraper is installed

It makes an installation with some hours of calls, exports them, and gives the files to
`trailscraper select` and `generate`. Then it serves them, and trailscraper asks the server. The
calls that it finds are compared with those that were made.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.conftest import Server, free_port
from tests.server.installations import REGION
from tests.trails.past import hours, past

RUN = "from trailscraper.cli import root_group; root_group()"
MADE = {"CreateUser": 3, "DescribeKey": 3, "ListKeys": 3}
"""The calls of the administrator in four hours, one of them idle."""


def main(folder: Path) -> int:
    with TemporaryDirectory() as root:
        data, out = Path(root) / "data", Path(root) / "out"
        local = past(data)
        hours(local, number=4)
        local.installation.close()
        keystead = Path(sys.executable).with_name("keystead")
        subprocess.run(
            [keystead, "audit", "export", "--data", data, "--cloudtrail", out], check=True
        )
        logs = str(out / "AWSLogs")
        selected = scraped(folder, {}, "select", "--log-dir", logs)
        compare("select, from files", records(selected))
        generated = json.loads(scraped(folder, {}, "generate", given=selected))
        actions = {action for each in generated["Statement"] for action in each["Action"]}
        require("generate", {"iam:CreateUser", "kms:DescribeKey", "kms:ListKeys"} <= actions)
        server = Server(data, free_port())
        server.start(region=REGION)
        try:
            asks = {**server.environment(), "AWS_DEFAULT_REGION": REGION}
            since = ("--from", "one day ago")
            told = scraped(folder, asks, "select", "--use-cloudtrail-api", *since)
            compare("select, from LookupEvents", records(told))
        finally:
            server.stop()
    return 0


def scraped(folder: Path, environment: Mapping[str, str], *arguments: str, given: str = "") -> str:
    """What trailscraper prints."""
    ran = subprocess.run(
        [sys.executable, "-c", RUN, *arguments], input=given, text=True, check=True,
        stdout=subprocess.PIPE, env={**os.environ, **environment, "PYTHONPATH": str(folder)},
    )  # fmt: skip
    return ran.stdout


def records(text: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(text)["Records"]
    return found


def compare(what: str, found: list[dict[str, Any]]) -> None:
    """Each call once, as it was made by the administrator."""
    ours = [each for each in found if each["userIdentity"].get("userName") == "admin"]
    counted = {name: sum(each["eventName"] == name for each in ours) for name in MADE}
    require(f"{what}: {counted}", counted == MADE)


def require(what: str, holds: bool) -> None:
    print(f"{'ok     ' if holds else 'WRONG  '}{what}")
    if not holds:
        sys.exit(1)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
