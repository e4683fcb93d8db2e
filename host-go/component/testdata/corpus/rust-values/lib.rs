//! Values of every type, taken apart and made anew.

wit_bindgen::generate!({ world: "values", path: "world.wit" });

use exports::corpus::values::transform::{Access, Color, Everything, Guest, Line, Shape};

struct Values;

impl Guest for Values {
    fn reverse(l: Line) -> Line {
        Line { start: l.end, end: l.start, label: l.label.map(|s| s.chars().rev().collect()) }
    }

    fn area(s: Shape) -> Option<f64> {
        match s {
            Shape::Circle(r) => Some(r * r * 3.0),
            Shape::Square(a) => Some(f64::from(a * a)),
            Shape::Polygon(points) => Some(points.iter().map(|p| f64::from(p.x) - f64::from(p.y)).sum()),
            Shape::Named((n, name)) => Some(f64::from(n) + name.len() as f64),
            Shape::Nothing => None,
        }
    }

    fn next(c: Color) -> Color {
        match c {
            Color::Red => Color::Green,
            Color::Green => Color::Blue,
            Color::Blue => Color::Red,
        }
    }

    fn invert(a: Access) -> Access {
        !a
    }

    fn echo(v: Everything) -> Everything {
        v
    }

    fn echo_all(mut v: Vec<Everything>) -> Vec<Everything> {
        v.reverse();
        v
    }

    fn swap(v: Result<u32, String>) -> Result<String, u32> {
        match v {
            Ok(n) => Err(n),
            Err(s) => Ok(s),
        }
    }

    fn none(v: Result<(), ()>) -> Result<(), ()> {
        if v.is_ok() { Err(()) } else { Ok(()) }
    }

    fn ok_only(v: Result<i64, ()>) -> Option<i64> {
        v.ok()
    }

    fn err_only(v: Result<(), f32>) -> Option<f32> {
        v.err()
    }

    fn widen(a: u8, b: i8, c: u16, d: i16) -> (u64, i64, u64, i64) {
        (a.into(), b.into(), c.into(), d.into())
    }

    fn many(
        a: u8, b: String, c: u64, d: Vec<String>, e: f32, f: f64, g: char, h: bool, i: Option<String>,
        j: Color, k: Access, l: (i8, i16), m: i32,
    ) -> String {
        let bits = (e.to_bits() != 0, f.to_bits() != 0);
        format!("{a} {b} {c} {d:?} {bits:?} {g:?} {h} {i:?} {} {} {l:?} {m}", j as u8, k.bits())
    }
}

export!(Values);
