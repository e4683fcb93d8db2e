//! A resource with methods, counted while it lives.

wit_bindgen::generate!({ world: "resources", path: "world.wit" });

use exports::corpus::resources::stacks::{Guest, GuestStack, Stack, StackBorrow};
use std::cell::{Cell, RefCell};

thread_local!(static LIVE: Cell<u32> = const { Cell::new(0) });

struct Resources;

struct Numbers(RefCell<Vec<i32>>);

impl Numbers {
    fn of(v: Vec<i32>) -> Self {
        LIVE.set(LIVE.get() + 1);
        Numbers(RefCell::new(v))
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        LIVE.set(LIVE.get() - 1);
    }
}

impl GuestStack for Numbers {
    fn new(first: Vec<i32>) -> Self {
        Numbers::of(first)
    }

    fn push(&self, v: i32) {
        self.0.borrow_mut().push(v);
    }

    fn pop(&self) -> Option<i32> {
        self.0.borrow_mut().pop()
    }

    fn len(&self) -> u32 {
        self.0.borrow().len() as u32
    }

    fn twin(&self) -> Stack {
        Stack::new(Numbers::of(self.0.borrow().clone()))
    }

    fn merge(a: Stack, b: Stack) -> Stack {
        let mut v = a.get::<Numbers>().0.borrow().clone();
        v.extend_from_slice(&b.get::<Numbers>().0.borrow());
        Stack::new(Numbers::of(v))
    }

    fn longer(a: StackBorrow<'_>, b: StackBorrow<'_>) -> bool {
        a.get::<Numbers>().len() > b.get::<Numbers>().len()
    }
}

impl Guest for Resources {
    type Stack = Numbers;

    fn live() -> u32 {
        LIVE.get()
    }

    fn total(stacks: Vec<StackBorrow<'_>>) -> i64 {
        stacks.iter().flat_map(|s| s.get::<Numbers>().0.borrow().clone()).map(i64::from).sum()
    }

    fn split(s: Stack) -> (Stack, Stack) {
        let mut a = s.get::<Numbers>().0.borrow().clone();
        let b = a.split_off(a.len() / 2);
        (Stack::new(Numbers::of(a)), Stack::new(Numbers::of(b)))
    }
}

export!(Resources);
