"""What an object looks like for one user: which fields there are, and what may be done with them.

The flags are those of the user whose token asked (REST guide, sObject describe): a field hidden by
field-level security is simply absent.
"""

from dataclasses import dataclass
from typing import Any

from integrations.salesforce.errors import UnexpectedAnswer


@dataclass(frozen=True, slots=True)
class Field:
    """One field. `length` in characters (0 where it has none); `picklist` holds the active values, in order."""

    name: str
    type: str
    length: int
    createable: bool
    updateable: bool
    filterable: bool
    nillable: bool
    defaulted_on_create: bool
    restricted: bool
    picklist: tuple[str, ...]
    picklist_default: str | None

    @property
    def required(self) -> bool:
        """Whether a create must carry a value."""
        return self.createable and not self.nillable and not self.defaulted_on_create


@dataclass(frozen=True, slots=True)
class Describe:
    """One object; `fields` by name."""

    name: str
    createable: bool
    updateable: bool
    deletable: bool
    queryable: bool
    fields: dict[str, Field]

    @property
    def required(self) -> tuple[str, ...]:
        """The names of the fields that a create must fill."""
        return tuple(field.name for field in self.fields.values() if field.required)

    @classmethod
    def from_answer(cls, body: Any) -> "Describe":
        """Out of the answer of `sobjects/X/describe`; raises UnexpectedAnswer when it is not one."""
        try:
            return cls(
                name=body["name"],
                createable=bool(body["createable"]),
                updateable=bool(body["updateable"]),
                deletable=bool(body["deletable"]),
                queryable=bool(body["queryable"]),
                fields={field["name"]: _field_from_answer(field) for field in body["fields"]},
            )
        except (KeyError, TypeError, AttributeError):
            pass
        raise UnexpectedAnswer("describe_malformed")

    def to_json(self) -> dict[str, Any]:
        """A compact form for caching (about a tenth of Salesforce's answer); `from_json` reads it."""
        flags = [self.createable, self.updateable, self.deletable, self.queryable]
        return {"name": self.name, "flags": flags, "fields": [_pack(field) for field in self.fields.values()]}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Describe":
        """The inverse of `to_json`."""
        fields = [_unpack(packed) for packed in value["fields"]]
        return cls(value["name"], *value["flags"], fields={field.name: field for field in fields})


def _field_from_answer(field: dict[str, Any]) -> Field:
    values = [value for value in field.get("picklistValues") or [] if value["active"]]
    return Field(
        name=field["name"],
        type=field["type"],
        length=field["length"],
        createable=field["createable"],
        updateable=field["updateable"],
        filterable=field["filterable"],
        nillable=field["nillable"],
        defaulted_on_create=field["defaultedOnCreate"],
        restricted=field["restrictedPicklist"],
        picklist=tuple(value["value"] for value in values),
        picklist_default=next((value["value"] for value in values if value["defaultValue"]), None),
    )


_FLAGS = ("createable", "updateable", "filterable", "nillable", "defaulted_on_create", "restricted")


def _pack(field: Field) -> list[Any]:
    flags = sum(1 << bit for bit, name in enumerate(_FLAGS) if getattr(field, name))
    return [field.name, field.type, field.length, flags, list(field.picklist), field.picklist_default]


def _unpack(packed: list[Any]) -> Field:
    name, type_, length, flags, picklist, default = packed
    return Field(
        name=name,
        type=type_,
        length=length,
        picklist=tuple(picklist),
        picklist_default=default,
        **{flag: bool(flags & 1 << bit) for bit, flag in enumerate(_FLAGS)},
    )
