"""The syntax rules of names, label keys and label values, with the API server's words for breaking them."""

import re

NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
_NAME_TEXT = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    f"end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{NAME}')"
)
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_LABEL_TEXT = (
    "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with "
    f"an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '{_LABEL}')"
)
_PART = r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]"
_PART_TEXT = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    f"character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '{_PART}')"
)
_VALUE = r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?"
_VALUE_TEXT = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is "
    f"'{_VALUE}')"
)
_QUALIFIED_TEXT = (
    "a valid label key must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    f"'{_PART}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
)


def name_faults(name: str) -> list[str]:
    """Say what is wrong with an object's name (RFC 1123 subdomain)."""
    faults = ["must be no more than 253 bytes"] if len(name) > 253 else []
    return faults + ([] if re.fullmatch(NAME, name) else [_NAME_TEXT])


def path_segment_faults(name: str) -> list[str]:
    """Say what is wrong with the name of an object whose kind minds nothing but paths."""
    if name in (".", ".."):
        return [f"may not be '{name}'"]
    return [f"may not contain '{part}'" for part in "/%" if part in name]


def host_label_faults(name: str) -> list[str]:
    """Say what is wrong with a name that is one label of a host name (RFC 1123 label)."""
    faults = ["must be no more than 63 bytes"] if len(name) > 63 else []
    return faults + ([] if re.fullmatch(_LABEL, name) else [_LABEL_TEXT])


def label_key_faults(key: str) -> list[str]:
    """Say what is wrong with the key of a label or annotation."""
    prefix, slash, name = key.rpartition("/")
    if "/" in prefix:
        return [_QUALIFIED_TEXT]
    faults = []
    if slash:
        faults += [f"prefix part {fault}" for fault in (name_faults(prefix) if prefix else ["must be non-empty"])]
    if not name:
        faults.append("name part must be non-empty")
    elif len(name) > 63:
        faults.append("name part must be no more than 63 bytes")
    if not re.fullmatch(_PART, name):
        faults.append(_PART_TEXT)
    return faults


def label_value_faults(value: str) -> list[str]:
    """Say what is wrong with the value of a label."""
    faults = ["must be no more than 63 bytes"] if len(value) > 63 else []
    return faults + ([] if re.fullmatch(_VALUE, value) else [_VALUE_TEXT])
