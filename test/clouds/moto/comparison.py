"""Whether what an API says of a resource is what it was asked for."""

import json
from typing import Any


def differences(asked: Any, found: Any, path: str = "") -> list[str]:
    """What was asked for and is there otherwise, or not at all; what is there besides does not count."""
    asked, found = _plain(asked), _plain(found)
    if isinstance(asked, dict) and isinstance(found, dict):
        there = {name.lower(): value for name, value in found.items()}
        return [
            each
            for name, value in asked.items()
            for each in (
                differences(value, there[name.lower()], _join(path, name))
                if name.lower() in there
                else [f"{_join(path, name)}: asked {json.dumps(value)}, found nothing"]
            )
        ]
    if isinstance(asked, list) and isinstance(found, list):
        lost = [each for each in asked if all(differences(each, other) for other in found)]
        if len(asked) == len(found) and not lost:
            return []
        return [f"{path}: asked {json.dumps(asked)}, found {json.dumps(found, default=str)}"]
    same = asked == found or str(asked).lower() == str(found).lower()
    return [] if same else [f"{path}: asked {json.dumps(asked)}, found {json.dumps(found, default=str)}"]


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _plain(value: Any) -> Any:
    """Tags as a map, policies as what their text says, and a value that is wrapped without the wrapper."""
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    if isinstance(value, dict) and set(value) == {"Value"}:
        return _plain(value["Value"])
    if isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        lowered = [{name.lower().removeprefix("tag"): inner for name, inner in each.items()} for each in value]
        if all(set(each) == {"key", "value"} for each in lowered):
            return {each["key"]: each["value"] for each in lowered}
    return value
