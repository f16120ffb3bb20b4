"""A resource that is being made in moto: its properties until each of them was sent, and the calls that send them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import policies
import references
import shapes
from botocore.model import Shape
from botocore.validate import ParamValidator
from clients import client_of
from shapes import Names, NotAccepted


@dataclass
class Made:
    """What there is now."""

    id: str | None = None
    """Absent: it has none of its own, and keeps that of the stand-in."""
    outputs: dict[str, Any] = field(default_factory=dict)
    read: Callable[[], dict[str, Any] | None] | None = None
    """What the API says of it, by the names of the parameters. Absent for what moto does not make."""
    hidden: tuple[str, ...] = ()
    """Parameters that the API or moto does not give back."""
    delete: Callable[[], Any] | None = None
    """Absent where deleting is nothing that the API is told."""


class Resource:
    """Takes properties one by one; what nothing took is an error."""

    def __init__(self, name: str, inputs: dict[str, Any], region: str):
        self.name = name
        self._left = dict(inputs)
        self.region = self._left.pop("region", None) or region
        self.asked: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        """A property that is sent with the others."""
        return self._left[name]

    def __contains__(self, name: str) -> bool:
        return name in self._left

    def take(self, name: str, default: Any = None) -> Any:
        """A property that its maker sends by a call of its own."""
        return self._left.pop(name, default)

    def leave(self, reason: str, *names: str) -> None:
        """Properties that no API has; the reason is for readers."""
        for name in names:
            self._left.pop(name, None)

    def spread(self, name: str) -> None:
        """Puts what is inside a property beside it, as the API has it. Example: `healthCheckPath` for `healthCheck.path`."""
        inside = self._left.pop(name, {})
        self._left.update({f"{name}{inner[0].upper()}{inner[1:]}": value for inner, value in inside.items()})

    def left(self) -> list[str]:
        """Properties that nothing took."""
        return list(self._left)

    def render(self, service: str, operation: str, *only: str, names: Names | None = None) -> dict[str, Any]:
        """Properties as parameters of an operation that is called later, or that moto does not have; checked, not sent."""
        taken = {name: self._left.pop(name) for name in only if name in self._left}
        shape = self._shape(service, operation)
        sent = shapes.parameters(shape, taken, names or {})
        shapes.check(shape, sent)
        return sent

    def create(
        self,
        service: str,
        operation: str,
        *,
        names: Names | None = None,
        into: str | None = None,
        tagged: str | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """
        Sends all properties that are left.

        into: the parameter that holds them all; tags stay outside of it
        tagged: type of the resource where the API wants tags by type
        more: parameters besides, by the names of the API
        """
        sent = self.parameters(service, operation, names=names, into=into, tagged=tagged, **more)
        return self.call(service, operation, **sent)

    def parameters(
        self,
        service: str,
        operation: str,
        *,
        names: Names | None = None,
        into: str | None = None,
        tagged: str | None = None,
        **more: Any,
    ) -> dict[str, Any]:
        """What `create` sends, checked."""
        shape = self._shape(service, operation)
        given = self._left.pop("tags", None)
        inner = shape.members[into] if into else shape
        taken, self._left = self._left, {}
        sent = shapes.parameters(inner, taken, names or {})
        self.asked.update(sent)
        if given is not None:
            self.asked["Tags"] = given
        tags = {} if given is None else self._tags(shape, given, tagged)
        return {**({into: {**sent, **more.pop(into, {})}} if into else sent), **tags, **more}

    def set(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """Sends what was taken; it is looked for when the resource is read."""
        self.asked.update(parameters)
        return self.call(service, operation, **parameters)

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """An operation, whose parameters are checked first."""
        self.check(service, operation, parameters)
        return getattr(client_of(service, self.region), operation)(**parameters)

    def check(self, service: str, operation: str, parameters: dict[str, Any]) -> None:
        """All that can be checked of parameters without sending them."""
        shape = self._shape(service, operation)
        report = ParamValidator().validate(parameters, shape)
        if report.has_errors():
            raise NotAccepted(f"{operation}: {report.generate_report()}")
        shapes.check(shape, parameters)
        references.check(parameters, self.region)
        for name in ("Policy", "PolicyDocument", "AssumeRolePolicyDocument"):
            if name in parameters:
                policies.check(parameters[name], self.region)

    def _shape(self, service: str, operation: str) -> Shape:
        client = client_of(service, self.region)
        return client.meta.service_model.operation_model(client.meta.method_to_api_mapping[operation]).input_shape

    @staticmethod
    def _tags(shape: Shape, given: dict[str, str], tagged: str | None) -> dict[str, Any]:
        members = shape.members
        if tagged is not None:
            inner = members["TagSpecifications"].member.members["Tags"]
            return {"TagSpecifications": [{"ResourceType": tagged, "Tags": shapes.tags(inner, given)}]}
        name = next((each for each in members if each.lower().endswith("tags")), None)
        if name is None:
            raise NotAccepted(f"tags: {shape.name} has no tags; it has {', '.join(members)}")
        return {name: shapes.tags(members[name], given)}
