//! Ordinary programs: sorting, maps, hashes, arithmetic.

wit_bindgen::generate!({ world: "collections", path: "world.wit" });

use std::collections::BTreeMap;

struct Collections;

impl Guest for Collections {
    fn sort(mut v: Vec<i64>) -> Vec<i64> {
        v.sort_unstable();
        v
    }

    fn frequencies(words: Vec<String>) -> Vec<(String, u32)> {
        let mut counts = BTreeMap::new();
        for w in words {
            *counts.entry(w).or_insert(0) += 1;
        }
        counts.into_iter().collect()
    }

    fn fnv(b: Vec<u8>) -> u64 {
        b.iter().fold(0xcbf2_9ce4_8422_2325, |h, &x| (h ^ u64::from(x)).wrapping_mul(0x100_0000_01b3))
    }

    fn multiply(a: Vec<Vec<f64>>, b: Vec<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
        let cols = b.first()?.len();
        if a.iter().any(|r| r.len() != b.len()) || b.iter().any(|r| r.len() != cols) {
            return None;
        }
        Some(a.iter().map(|r| (0..cols).map(|j| r.iter().zip(&b).map(|(x, row)| x * row[j]).sum()).collect()).collect())
    }

    fn product(a: u64, b: u64) -> (u64, u64) {
        let p = u128::from(a) * u128::from(b);
        ((p >> 64) as u64, p as u64)
    }

    fn primes(below: u16) -> Vec<u16> {
        let mut sieve = vec![true; below.into()];
        (2..below).filter(|&n| {
            let prime = sieve[usize::from(n)];
            if prime {
                (usize::from(n) * 2..usize::from(below)).step_by(n.into()).for_each(|m| sieve[m] = false);
            }
            prime
        }).collect()
    }

    fn group(v: Vec<(u8, String)>) -> Vec<(u8, Vec<String>)> {
        let mut groups: BTreeMap<u8, Vec<String>> = BTreeMap::new();
        for (k, s) in v {
            groups.entry(k).or_default().push(s);
        }
        groups.into_iter().collect()
    }
}

export!(Collections);
