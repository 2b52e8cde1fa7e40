"""The permission set that a Salesforce admin can deploy: exactly what NEEDS calls needed, as metadata XML."""

from xml.etree import ElementTree

from integrations.needs import ACTIVITIES, NEEDS, Level

NAMESPACE = "http://soap.sforce.com/2006/04/metadata"
FILE_NAME = "Touchline.permissionset-meta.xml"
RIGHTS = {
    "createable": "allowCreate",
    "deletable": "allowDelete",
    "updateable": "allowEdit",
    "queryable": "allowRead",
}
ALL_RIGHTS = ("allowCreate", "allowDelete", "allowEdit", "allowRead", "modifyAllRecords", "viewAllRecords")


def to_xml() -> bytes:
    """The file's content (UTF-8). Tasks and events need no object settings: their system permissions suffice."""
    root = ElementTree.Element("PermissionSet", xmlns=NAMESPACE)
    needed = [need for need in NEEDS if need.level is Level.NEEDED]
    _add(root, "description", "What Touchline needs to log e-mails and meetings, and no more.")
    for need in needed:
        if need.fields and need.object_name + "s" not in ACTIVITIES:
            for name in need.fields:
                _add_group(
                    root, "fieldPermissions", editable="false", field=f"{need.object_name}.{name}", readable="true"
                )
    _add(root, "hasActivationRequired", "false")
    _add(root, "label", "Touchline")
    for object_name, rights in sorted(_object_rights(needed).items()):
        flags = {flag: str(flag in rights).lower() for flag in ALL_RIGHTS}
        _add_group(root, "objectPermissions", **flags, object=object_name)
    for need in needed:
        if need.permission:
            name = need.permission.removeprefix("Permissions")
            _add_group(root, "userPermissions", enabled="true", name=name)
    ElementTree.indent(root, "    ")
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"


def _object_rights(needed: list) -> dict[str, set[str]]:
    rights: dict[str, set[str]] = {}
    for need in needed:
        if need.object_name and not need.fields and need.object_name + "s" not in ACTIVITIES:
            rights.setdefault(need.object_name, set()).add(RIGHTS[need.right])
    return rights


def _add(parent: ElementTree.Element, name: str, text: str) -> None:
    ElementTree.SubElement(parent, name).text = text


def _add_group(parent: ElementTree.Element, name: str, /, **values: str) -> None:
    group = ElementTree.SubElement(parent, name)
    for key, text in values.items():
        _add(group, key, text)
