//! A guest that calls its host: functions, and a resource of the host's.

wit_bindgen::generate!({ world: "imports", path: "world.wit" });

use corpus::imports::store;

struct Imports;

impl Guest for Imports {
    fn total(numbers: Vec<i64>) -> i64 {
        numbers.into_iter().fold(0, fold)
    }

    fn names(prefix: Option<String>) -> Vec<String> {
        let entries = store::entries(prefix.as_deref());
        let lines: Vec<String> = entries.iter().map(|e| format!("{} {} {:?}", e.name, e.size, e.tags)).collect();
        store::log(lines.len() as u8, &lines);
        entries.into_iter().map(|e| e.name).collect()
    }

    fn read(names: Vec<String>) -> Vec<Result<Vec<u8>, String>> {
        names.iter().map(|n| store::File::new(n).read(n.len() as u32)).collect()
    }

    fn numbers(names: Vec<String>, keep: bool) -> Vec<u32> {
        let files: Vec<store::File> = names.iter().map(|n| store::File::new(n)).collect();
        let numbers = files.iter().map(store::File::number).collect();
        if keep {
            files.into_iter().for_each(std::mem::forget);
        }
        numbers
    }

    fn sum(keys: Vec<String>) -> Result<i32, String> {
        let mut sum = 0i32;
        for k in keys {
            sum = sum.wrapping_add(store::lookup(&k)?.unwrap_or(1));
        }
        Ok(sum)
    }
}

export!(Imports);
