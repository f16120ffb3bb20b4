"""
AWS as moto plays it, for a test: makes, compares and deletes resources that are given as Pulumi has them.

Reads requests from standard input and writes answers to standard output, JSON, one a line, in the same order. A request is
`{"what": "put", "type": "ec2/vpc:Vpc", "name": …, "inputs": {…}}`, `{"what": "remove", "type": …, "name": …}`,
`{"what": "compare"}`, `{"what": "surroundings"}` or `{"what": "types"}`; an answer is `{"answer": …}` or `{"error": "…"}`.
"""

import json
import os
import sys
from typing import Any

os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    MOTO_EC2_ENABLE_INSTANCE_TYPE_VALIDATION="true",
    MOTO_IAM_LOAD_MANAGED_POLICIES="true",
)

import comparison
import surroundings
from botocore.exceptions import ClientError
from moto import mock_aws
from references import NotThere
from resource import Made, Resource
from resources import identity, ingress, machines, network, storage, unmade

types = {**identity.types, **ingress.types, **machines.types, **network.types, **storage.types}
gone = {"deleted", "terminated", "PendingDeletion"}
there: dict[tuple[str, str], tuple[Resource, Made]] = {}


def put(request: dict[str, Any]) -> dict[str, Any]:
    kind = request["type"]
    make = types.get(kind) or unmade.types.get(kind, (None,))[0]
    if make is None:
        raise LookupError(f"neither made in moto nor listed as unknown to it: add {kind} to resources/")
    key = (kind, request["name"])
    if key in there:
        raise NotImplementedError("an update or a replacement")
    it = Resource(request["name"], request["inputs"], region=request["region"])
    made = make(it)
    if left := it.left():
        raise LookupError(f"nothing sends {', '.join(left)}")
    there[key] = (it, made)
    return {"id": made.id, "outputs": made.outputs}


def compare() -> list[dict[str, Any]]:
    return [
        {
            "type": kind,
            "name": name,
            "compared": sorted(set(it.asked) - set(made.hidden)),
            "differences": _differences(it, made),
        }
        for (kind, name), (it, made) in there.items()
        if made.read is not None
    ]


def _differences(it: Resource, made: Made) -> list[str]:
    found = _read(made)
    if found is None:
        return ["it is not there"]
    asked = {name: value for name, value in it.asked.items() if name not in made.hidden}
    return comparison.differences(asked, found)


def remove(request: dict[str, Any]) -> None:
    key = (request["type"], request["name"])
    _, made = there[key]
    if made.delete is not None:
        made.delete()
        if (found := _read(made)) is not None:
            raise RuntimeError(f"it is still there: {json.dumps(found, default=str)}")
    del there[key]


def _read(made: Made) -> dict[str, Any] | None:
    """What is there; nothing where it only waits for its end, and where nobody can say."""
    if made.read is None:
        return None
    try:
        found = made.read()
    except (ClientError, NotThere, IndexError):
        return None
    if found is None:
        return None
    state = found.get("State", found.get("KeyState"))
    waits = (state.get("Name") if isinstance(state, dict) else state) in gone
    dated = "DeletedDate" in found or "DeletionDate" in found
    return None if waits or dated else found


def answer(request: dict[str, Any]) -> Any:
    match request["what"]:
        case "put":
            return put(request)
        case "remove":
            return remove(request)
        case "compare":
            return compare()
        case "surroundings":
            return surroundings.make(request["region"])
        case "types":
            return {"made": sorted(types), "unmade": {kind: unmade.answers(kind) for kind in unmade.types}}
    raise LookupError(request["what"])


def main() -> None:
    with mock_aws():
        for line in sys.stdin:
            try:
                told = {"answer": answer(json.loads(line))}
            # Whatever goes wrong is the answer.
            except Exception as error:  # noqa: BLE001
                told = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps(told, default=str), flush=True)


main()
