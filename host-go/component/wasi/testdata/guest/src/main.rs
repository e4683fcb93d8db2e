//! A command-line program that uses what WASI 0.2 has: the first argument says what to do, the
//! tests look at what is printed.

mod descriptors;
mod files;
mod http;

use std::io::{Read, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest: Vec<&str> = args.iter().skip(1).map(String::as_str).collect();
    match args.first().map(String::as_str).unwrap_or("") {
        "hello" => hello(&rest),
        "clock" => clock(),
        "random" => random(),
        "stdin" => stdin(),
        "terminal" => terminal(),
        "connect" => connect(rest[0]),
        "files" => files::run(rest[0]),
        "fd" => descriptors::run(&rest),
        "http" => http::run(&rest),
        "http-types" => http::types(),
        "exit" => std::process::exit(rest[0].parse().unwrap()),
        "fail" => panic!("as asked"),
        "spin" => {
            eprintln!("spinning");
            loop {
                std::hint::black_box(0);
            }
        }
        "hoard" => {
            let mut all: Vec<Vec<u8>> = Vec::new();
            loop {
                all.push(vec![1; 1 << 20]);
            }
        }
        other => {
            eprintln!("unknown command {other:?}");
            std::process::exit(64);
        }
    }
}

fn hello(args: &[&str]) {
    println!("args {args:?}");
    for (name, value) in std::env::vars() {
        println!("env {name}={value}");
    }
    println!("cwd {:?}", wasip2::cli::environment::initial_cwd());
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    println!("stdin {}", text.to_uppercase());
    eprintln!("done");
}

fn clock() {
    let start = Instant::now();
    std::thread::sleep(Duration::from_millis(20));
    println!("slept {}", start.elapsed() >= Duration::from_millis(20));
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    println!("now {}", now.as_secs());
    println!("resolution {}", wasip2::clocks::monotonic_clock::resolution() > 0);
    let past = wasip2::clocks::monotonic_clock::subscribe_instant(0);
    println!("past {}", past.ready());
    let far = wasip2::clocks::monotonic_clock::subscribe_duration(u64::MAX);
    let near = wasip2::clocks::monotonic_clock::subscribe_duration(1_000_000);
    println!("poll {:?}", wasip2::io::poll::poll(&[&far, &near]));
}

fn random() {
    println!("bytes {:?}", wasip2::random::random::get_random_bytes(4));
    println!("u64 {}", wasip2::random::random::get_random_u64());
    println!("insecure bytes {:?}", wasip2::random::insecure::get_insecure_random_bytes(2));
    println!("insecure u64 {}", wasip2::random::insecure::get_insecure_random_u64());
    println!("seed {:?}", wasip2::random::insecure_seed::insecure_seed());
}

/// Waits for standard input and a timer at once, then goes on without waiting.
fn stdin() {
    let input = wasip2::cli::stdin::get_stdin();
    let (ready, late) = (input.subscribe(), wasip2::clocks::monotonic_clock::subscribe_duration(60_000_000_000));
    println!("poll {:?}", wasip2::io::poll::poll(&[&late, &ready]));
    println!("read {:?}", input.read(3));
    println!("skip {:?}", input.blocking_skip(2));
    let output = wasip2::cli::stdout::get_stdout();
    println!("splice {:?}", output.blocking_splice(&input, 2));
    println!();
    println!("rest {:?}", input.blocking_read(100));
    println!("end {:?}", input.blocking_read(1));
    println!("end {:?}", input.read(0));
    println!("room {}", output.check_write().unwrap() > 0);
    output.write_zeroes(3).unwrap();
    output.blocking_write_zeroes_and_flush(2).unwrap();
    output.flush().unwrap();
    output.subscribe().block();
    std::io::stdout().flush().unwrap();
}

fn terminal() {
    println!(
        "terminals {} {} {}",
        wasip2::cli::terminal_stdin::get_terminal_stdin().is_some(),
        wasip2::cli::terminal_stdout::get_terminal_stdout().is_some(),
        wasip2::cli::terminal_stderr::get_terminal_stderr().is_some()
    );
}

fn connect(address: &str) {
    println!("tcp {:?}", std::net::TcpStream::connect(address).map(|_| ()).map_err(|e| e.kind()));
    println!("udp {:?}", std::net::UdpSocket::bind("127.0.0.1:0").map(|_| ()).map_err(|e| e.kind()));
    let network = wasip2::sockets::instance_network::instance_network();
    println!("lookup {:?}", wasip2::sockets::ip_name_lookup::resolve_addresses(&network, "localhost").map(|_| ()).map_err(|e| e.name()));
}
