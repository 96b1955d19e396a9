"""A lake's location as one word of a command line, for tests with other processes."""

import json
from dataclasses import asdict
from pathlib import Path

from arb_platform.storage.attach import LakeLocation, S3Access


def word(location):
    return json.dumps({**asdict(location), "root": str(location.root)})


def location_of(text):
    fields = json.loads(text)
    access = fields.pop("s3")
    root = Path(fields.pop("root"))
    return LakeLocation(root, **fields, s3=None if access is None else S3Access(**access))
