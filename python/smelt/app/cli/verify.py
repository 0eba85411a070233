"""``smelt verify``: does the file predict, bit for bit, what it predicted when it was made?"""

from __future__ import annotations

import json

from smelt.app.cli.options import Debug, Json, ModelPath
from smelt.app.failure import SCHEMA_VERSION


def verify(model: ModelPath, as_json: Json = False, debug: Debug = False) -> None:
    """Check a model file: its hash, its structure, and its self-test rows bit for bit."""
    from smelt.export.model_file import open_model

    opened = open_model(model)
    rows = opened.verify()
    if as_json:
        document = {"schema_version": SCHEMA_VERSION, "ok": True, "rows": rows}
        print(json.dumps(document | {"sha256": opened.sha256}))
    else:
        print(f"{model}: sound; {rows} self-test rows give the same bits as when it was made")
