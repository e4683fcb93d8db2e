"""Values of many types as Python has them, reversed or given back."""

import wit_world
from wit_world import exports
from componentize_py_types import Err
from wit_world.imports.types import Access, Color


class Transform(exports.Transform):
    def reverse_points(self, v):
        return v[::-1]

    def same_shape(self, v):
        return v

    def next_color(self, v):
        return Color((v.value + 1) % 3)

    def invert_access(self, v):
        return Access.READ | Access.WRITE | Access.EXECUTE if not v else ~v

    def reverse_text(self, v):
        return v[::-1], len(v)

    def reverse_bytes(self, v):
        return v[::-1]

    def same_numbers(self, *v):
        return v

    def double(self, v):
        return [x * 2 for x in v]

    def same_option(self, v):
        return v

    def check(self, n):
        if n % 2:
            raise Err(n)
        return str(n)

    def reverse_chars(self, v):
        return v[::-1]


class WitWorld(wit_world.WitWorld):
    def ask(self, n):
        return wit_world.tell(f"asked {n}", n) + "!"
