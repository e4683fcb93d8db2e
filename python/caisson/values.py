"""Values of Python as JSON. docs/python.md has the table."""

import base64
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import pathlib
import uuid
from collections.abc import Mapping, Sequence, Set, ValuesView, ItemsView


class NoForm(ValueError):
    """A value that has no form in JSON."""


from_json = json.loads


def to_json(value):
    """The value as JSON."""
    try:
        return encode(value)
    except RecursionError:
        raise NoForm("it is nested too deeply") from None
    except (TypeError, ValueError) as error:
        raise NoForm(str(error)) from None


def form_of(value):
    """What stands for a value that JSON does not have."""
    for types, form in FORMS:
        if isinstance(value, types):
            return form(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    raise TypeError(f"a value of the type {type(value).__name__} has no form in JSON")


def in_order(values):
    """The elements of a set, in their order where they have one: a set has none."""
    try:
        return sorted(values)
    except TypeError:
        return list(values)


FORMS = [
    (enum.Enum, lambda value: value.value),
    ((bytes, bytearray, memoryview), lambda value: base64.b64encode(value).decode("ascii")),
    ((datetime.date, datetime.time), lambda value: value.isoformat()),  # datetime is a date
    (datetime.timedelta, lambda value: value.total_seconds()),
    ((decimal.Decimal, fractions.Fraction, uuid.UUID, pathlib.PurePath), str),
    (Mapping, dict),
    (Set, in_order),
    ((Sequence, ValuesView, ItemsView), list),
]

# Text beyond ASCII is escaped: so lone surrogates, which have no UTF-8, travel too.
encode = json.JSONEncoder(allow_nan=False, default=form_of, separators=(",", ":")).encode
