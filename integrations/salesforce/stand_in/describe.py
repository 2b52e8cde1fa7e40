"""The describe answers, made of the schema as one user sees it."""

import hashlib
import json

from .access import View
from .schema import SOAP_TYPES, Field


def describe_brief(view: View, version: str) -> dict[str, object]:
    """An object as the list of all objects shows it."""
    known, access = view.object, view.access
    base = f"/services/data/v{version}/sobjects/{known.name}"
    return {
        "activateable": False,
        "createable": "c" in access,
        "custom": False,
        "customSetting": False,
        "deletable": "d" in access,
        "deprecatedAndHidden": False,
        "feedEnabled": False,
        "keyPrefix": known.prefix,
        "label": known.label,
        "labelPlural": known.plural,
        "layoutable": True,
        "mergeable": known.name in ("Account", "Contact", "Lead"),
        "mruEnabled": True,
        "name": known.name,
        "queryable": "r" in access,
        "replicateable": True,
        "retrieveable": True,
        "searchable": True,
        "triggerable": True,
        "undeletable": "d" in access,
        "updateable": "u" in access,
        "urls": {"describe": base + "/describe", "rowTemplate": base + "/{ID}", "sobject": base},
    }


def describe_fully(view: View, version: str) -> dict[str, object]:
    """An object with its fields."""
    fields = [describe_field(each, view.flags(each)) for each in view.fields.values()]
    more = {
        "childRelationships": [],
        "fields": fields,
        "recordTypeInfos": [MASTER_RECORD_TYPE],
        "supportedScopes": [],
    }
    return dict(sorted((describe_brief(view, version) | more).items()))


MASTER_RECORD_TYPE = {
    "active": True,
    "available": True,
    "defaultRecordTypeMapping": True,
    "developerName": "Master",
    "master": True,
    "name": "Master",
    "recordTypeId": "012000000000000AAA",
    "urls": {},
}


def describe_field(field: Field, flags: str) -> dict[str, object]:
    """One field."""
    is_text = field.type not in SOAP_TYPES
    return {
        "aggregatable": "F" in flags,
        "autoNumber": False,
        "byteLength": field.length * 3 if is_text else field.length,
        "calculated": False,
        "caseSensitive": False,
        "createable": "C" in flags,
        "custom": field.custom,
        "defaultValue": False if field.type == "boolean" else None,
        "defaultedOnCreate": "D" in flags,
        "deprecatedAndHidden": False,
        "digits": 9 if field.type == "int" else 0,
        "encrypted": False,
        "externalId": False,
        "filterable": "F" in flags,
        "groupable": "G" in flags,
        "idLookup": "L" in flags,
        "label": field.label,
        "length": field.length,
        "name": field.name,
        "nameField": field.name in ("Name", "Subject"),
        "namePointing": len(field.references) > 1,
        "nillable": "N" in flags,
        "permissionable": "P" in flags,
        "picklistValues": [describe_value(value, field) for value in field.picklist],
        "polymorphicForeignKey": len(field.references) > 1,
        "referenceTo": list(field.references),
        "relationshipName": field.relationship,
        "restrictedPicklist": "R" in flags,
        "soapType": SOAP_TYPES.get(field.type, "xsd:string"),
        "sortable": "S" in flags,
        "type": field.type,
        "unique": False,
        "updateable": "U" in flags,
    }


def describe_value(value: str, field: Field) -> dict[str, object]:
    """One value of a picklist."""
    is_default = value == field.picklist_default
    return {"active": True, "defaultValue": is_default, "label": value, "validFor": None, "value": value}


def etag_of(body: object) -> str:
    """The tag by which a caller asks whether an answer is still the same."""
    return '"' + hashlib.sha256(json.dumps(body).encode()).hexdigest()[:16] + '"'
