//! The ways in which a Rust program ends early.

wit_bindgen::generate!({ world: "traps", path: "world.wit" });

use std::hint::black_box;

struct Traps;

fn descend(depth: u32) -> u64 {
    let frame = black_box([u64::from(depth); 16]);
    if depth == 0 { 0 } else { descend(depth - 1) + frame[3] }
}

impl Guest for Traps {
    fn fail(why: String) {
        panic!("{why}");
    }

    fn index(items: Vec<u32>, i: u32) -> u32 {
        items[i as usize]
    }

    fn divide(a: i32, b: i32) -> i32 {
        a / b
    }

    fn unwrap(v: Option<String>) -> String {
        v.unwrap()
    }

    fn allocate(bytes: u32) -> u32 {
        black_box(vec![1u8; bytes as usize]).len() as u32
    }

    fn recurse(depth: u32) -> u64 {
        descend(depth)
    }

    fn quit(ok: bool) {
        std::process::exit(if ok { 0 } else { 1 });
    }
}

export!(Traps);
