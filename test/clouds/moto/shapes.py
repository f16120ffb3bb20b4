"""Properties as Pulumi names them become parameters of an API: botocore's models of the services say which those are."""

import json
from typing import Any

import regex
from botocore.model import Shape


class NotAccepted(Exception):
    """The model of a service does not have what was given; the message names the property's path and what is accepted."""


Names = dict[str, str]
"""Where the rule does not find the parameter: paths of properties and what the API calls their last part.

Example: `{"rules.schedule": "ScheduleExpression"}`. A dotted name is a parameter inside others: `Options.DnsSupport`.
"""


def parameters(shape: Shape, properties: dict[str, Any], names: Names, path: str = "") -> dict[str, Any]:
    """
    The parameters that properties are: a property is the member of the structure that has the same letters, whatever their
    case and whether or not there is a plural s, at any depth.

    Raises NotAccepted for a property that the API does not have, and a value of another type.
    """
    sent: dict[str, Any] = {}
    for name, value in properties.items():
        at = f"{path}.{name}" if path else name
        *outer, last = names.get(at, name).split(".")
        inner, target = shape, sent
        for each in outer:
            inner, target = inner.members[each], target.setdefault(each, {})
        member = _member(inner, last)
        if member is None:
            raise NotAccepted(f"{at}: {inner.name} has no such member; it has {', '.join(inner.members)}")
        target[member] = _value(inner.members[member], value, names, at)
    return sent


def check(shape: Shape, value: Any, path: str = "") -> None:
    """Raises NotAccepted for a text that is not of the model's enum, pattern or length: botocore sends it all the same."""
    at = path or shape.name
    if shape.type_name == "structure" and isinstance(value, dict):
        for name, inner in value.items():
            if name in shape.members:
                check(shape.members[name], inner, f"{at}.{name}")
    elif shape.type_name == "list" and isinstance(value, list):
        for item in value:
            check(shape.member, item, at)
    elif shape.type_name == "map" and isinstance(value, dict):
        for key, inner in value.items():
            check(shape.key, key, f"{at} (its keys)")
            check(shape.value, inner, f"{at}.{key}")
    elif shape.type_name == "string" and isinstance(value, str):
        _check_text(shape, value, at)


def _check_text(shape: Shape, text: str, at: str) -> None:
    limits = shape.metadata
    accepted = limits.get("enum")
    if accepted and text not in accepted:
        raise NotAccepted(f"{at}: got {text!r}; accepted are {', '.join(accepted)}")
    if not limits.get("min", 0) <= len(text) <= limits.get("max", len(text)):
        raise NotAccepted(f"{at}: got {len(text)} characters; accepted are {limits.get('min', 0)} to {limits.get('max')}")
    # Java writes characters beyond 16 bits as pairs.
    pattern = limits.get("pattern", "").replace(r"\uD800\uDC00-\uDBFF\uDFFF", r"\U00010000-\U0010FFFF")
    if pattern and not regex.fullmatch(pattern, text):
        raise NotAccepted(f"{at}: got {text!r}; accepted is what matches {pattern}")


def _member(shape: Shape, name: str) -> str | None:
    same = [each for each in shape.members if each.lower() == name.lower()]
    alike = [each for each in shape.members if each.lower().rstrip("s") == name.lower().rstrip("s")]
    return next(iter([*same, *alike]), None)


def _value(shape: Shape, value: Any, names: Names, at: str) -> Any:
    if shape.type_name == "structure" and isinstance(value, dict):
        return parameters(shape, value, names, at)
    if shape.type_name == "list":
        if isinstance(value, dict) and _is_tag(shape.member):
            return tags(shape, value)
        # Pulumi has no list where there can be only one.
        items = value if isinstance(value, list) else [value]
        return [_value(shape.member, item, names, at) for item in items]
    if shape.type_name == "boolean" and value in ("true", "false"):
        return value == "true"
    if shape.type_name in ("integer", "long") and isinstance(value, str) and value.isdigit():
        return int(value)
    if shape.type_name in ("integer", "long") and isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, dict) and shape.type_name != "map":
        raise NotAccepted(f"{at}: got {json.dumps(value)}; {shape.name} is a {shape.type_name}")
    return value


def _is_tag(shape: Shape) -> bool:
    return shape.type_name == "structure" and {each.lower().removeprefix("tag") for each in shape.members} == {"key", "value"}


def tags(shape: Shape, given: dict[str, str]) -> Any:
    """Tags as a service has them: a map, or a list of keys and values."""
    if shape.type_name == "map":
        return given
    key, value = sorted(shape.member.members, key=str.lower)
    return [{key: name, value: text} for name, text in given.items()]
