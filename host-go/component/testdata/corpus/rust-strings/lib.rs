//! Strings, made by the guest's own allocator.

wit_bindgen::generate!({ world: "strings", path: "world.wit" });

struct Strings;

impl Guest for Strings {
    fn upper(s: String) -> String {
        s.to_uppercase()
    }

    fn reverse(s: String) -> String {
        s.chars().rev().collect()
    }

    fn words(s: String) -> Vec<String> {
        s.split_whitespace().map(String::from).collect()
    }

    fn join(parts: Vec<String>, between: String) -> String {
        parts.join(&between)
    }

    fn count(s: String) -> (u32, u32, u32) {
        (s.len() as u32, s.chars().count() as u32, s.encode_utf16().count() as u32)
    }

    fn chars(s: String) -> Vec<char> {
        s.chars().collect()
    }

    fn of_chars(cs: Vec<char>) -> String {
        cs.into_iter().collect()
    }

    fn of_bytes(b: Vec<u8>) -> Result<String, u32> {
        String::from_utf8(b).map_err(|e| e.utf8_error().valid_up_to() as u32)
    }

    fn repeat(s: String, n: u8) -> String {
        s.repeat(n.into())
    }

    fn find(s: String, part: String) -> Option<u32> {
        s.find(&part).map(|i| i as u32)
    }
}

export!(Strings);
