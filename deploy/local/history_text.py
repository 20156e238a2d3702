"""An objective's history as people read it: who did what, when, why, and what it changed."""

import json
from collections.abc import Mapping
from typing import Any

from deploy.local.printable import one_line


def entry_text(entry: Mapping[str, Any]) -> str:
    """Return the lines of one entry of `GET /v1/objectives/{id}/history`."""
    actor = entry["actor"]
    lines = [
        f"{entry['version']:>4}  {entry['recorded_at']}  {actor['id']} ({actor['kind']})",
        f"      {entry['sentence']}",
    ]
    if entry["effective_at"] != entry["recorded_at"]:
        lines.append(f"      true since {entry['effective_at']}")
    lines += [
        f"      {change['path']}: {_value(change['before'])} -> {_value(change['after'])}"
        for change in entry["changes"]
    ]
    return "\n".join(map(one_line, lines))


def _value(value: object) -> str:
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False)
