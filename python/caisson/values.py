"""Values of Python as JSON, and back, without silent loss. docs/conversions.md has the table."""

import base64
import dataclasses
import datetime
import decimal
import enum
import fractions
import inspect
import json
import pathlib
import re
import uuid
from collections.abc import Mapping, Sequence, Set, ValuesView, ItemsView


class NoForm(ValueError):
    """A value that has no form in JSON."""


# What only a JSON has in which a number may be none that json.loads keeps: a negative zero, or a large exponent.
ODD = re.compile(r"-0|[eE]\+?[0-9]{3}")


def from_json(text):
    """The value of a JSON. Raises a ValueError, or a RecursionError, for what is too much."""
    return odd_decode(text) if ODD.search(text) else decode(text)


def integer(text):
    return -0.0 if text == "-0" else int(text)


def fraction(text):
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise NoForm(f"it has the number {text[:100]}, which is too large")
    return value


# Kept from before the script runs, as encode is: it may change the module.
decode = json.loads
odd_decode = json.JSONDecoder(parse_int=integer, parse_float=fraction).decode


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
    remedy = ": await it" if inspect.isawaitable(value) else ""
    raise TypeError(f"a value of the type {type(value).__name__} has no form in JSON{remedy}")


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
