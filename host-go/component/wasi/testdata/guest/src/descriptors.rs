//! The methods of wasi:filesystem one by one. Each argument is an operation, "name:a:b:...", and
//! prints a line; a descriptor is named by its number, in the order they were opened, the mounts
//! first.

use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::*;
use wasip2::io::streams::StreamError;

pub fn run(operations: &[&str]) {
    let mut open: Vec<Option<Descriptor>> = Vec::new();
    for (d, path) in get_directories() {
        println!("mount {path}");
        open.push(Some(d));
    }
    for operation in operations {
        let words: Vec<&str> = operation.split(':').collect();
        println!("{} {}", words[0], perform(&mut open, &words));
    }
}

fn shown<T: std::fmt::Debug>(r: Result<T, ErrorCode>) -> String {
    match r {
        Ok(v) => format!("{v:?}"),
        Err(e) => format!("error {}", e.name()),
    }
}

fn streamed<T: std::fmt::Debug>(r: Result<T, StreamError>) -> String {
    match r {
        Ok(v) => format!("{v:?}"),
        Err(StreamError::Closed) => "closed".into(),
        Err(StreamError::LastOperationFailed(e)) => format!("failed {:?}", filesystem_error_code(&e).map(|c| c.name())),
    }
}

fn follow(word: &str) -> PathFlags {
    if word == "follow" { PathFlags::SYMLINK_FOLLOW } else { PathFlags::empty() }
}

fn times(word: &str) -> NewTimestamp {
    match word {
        "keep" => NewTimestamp::NoChange,
        "now" => NewTimestamp::Now,
        seconds => NewTimestamp::Timestamp(wasip2::clocks::wall_clock::Datetime { seconds: seconds.parse().unwrap(), nanoseconds: 0 }),
    }
}

fn stat(s: DescriptorStat) -> String {
    let seconds = |t: Option<wasip2::clocks::wall_clock::Datetime>| t.map(|t| t.seconds);
    format!("{:?} links {} size {} modified {:?}", s.type_, s.link_count, s.size, seconds(s.data_modification_timestamp))
}

fn perform(open: &mut Vec<Option<Descriptor>>, w: &[&str]) -> String {
    let number = |i: usize| w[i].parse::<u64>().unwrap();
    let at = |i: usize| open[number(i) as usize].as_ref().unwrap();
    match w[0] {
        "open" => {
            let (mut how, mut flags) = (OpenFlags::empty(), DescriptorFlags::empty());
            for c in w[3].chars() {
                match c {
                    'c' => how |= OpenFlags::CREATE,
                    'd' => how |= OpenFlags::DIRECTORY,
                    'x' => how |= OpenFlags::EXCLUSIVE,
                    't' => how |= OpenFlags::TRUNCATE,
                    'r' => flags |= DescriptorFlags::READ,
                    'w' => flags |= DescriptorFlags::WRITE,
                    'm' => flags |= DescriptorFlags::MUTATE_DIRECTORY,
                    _ => {}
                }
            }
            let r = at(1).open_at(follow(w.get(4).unwrap_or(&"follow")), w[2], how, flags);
            shown(r.map(|d| {
                open.push(Some(d));
                open.len() - 1
            }))
        }
        "close" => {
            let i = number(1) as usize;
            open[i] = None;
            String::new()
        }
        // Opens a file until that fails.
        "many" => {
            let mut files = Vec::new();
            loop {
                match at(1).open_at(PathFlags::empty(), w[2], OpenFlags::empty(), DescriptorFlags::READ) {
                    Ok(d) => files.push(d),
                    Err(e) => return format!("{} then {}", files.len(), e.name()),
                }
                assert!(files.len() < 5000);
            }
        }
        "flags" => shown(at(1).get_flags()),
        "type" => shown(at(1).get_type()),
        "stat" => at(1).stat().map(stat).unwrap_or_else(|e| format!("error {}", e.name())),
        "stat-at" => at(1).stat_at(follow(w[3]), w[2]).map(stat).unwrap_or_else(|e| format!("error {}", e.name())),
        "read" => shown(at(1).read(number(2), number(3)).map(|(b, end)| (String::from_utf8(b).unwrap(), end))),
        "write" => shown(at(1).write(w[2].as_bytes(), number(3))),
        "size" => shown(at(1).set_size(number(2))),
        "times" => shown(at(1).set_times(times(w[2]), times(w[3]))),
        "times-at" => shown(at(1).set_times_at(follow(w[5]), w[2], times(w[3]), times(w[4]))),
        "advise" => shown(at(1).advise(0, 10, Advice::Sequential)),
        "sync" => shown(at(1).sync().and(at(1).sync_data())),
        "read-stream" => match at(1).read_via_stream(number(2)) {
            Ok(s) => streamed(s.blocking_read(number(3)).map(|b| String::from_utf8(b).unwrap())),
            Err(e) => format!("error {}", e.name()),
        },
        "write-stream" => match at(1).write_via_stream(number(2)) {
            Ok(s) => streamed(s.blocking_write_and_flush(w[3].as_bytes()).and_then(|()| s.blocking_write_and_flush(b"!"))),
            Err(e) => format!("error {}", e.name()),
        },
        "append-stream" => match at(1).append_via_stream() {
            Ok(s) => streamed(s.blocking_write_and_flush(w[2].as_bytes())),
            Err(e) => format!("error {}", e.name()),
        },
        "list" => match at(1).read_directory() {
            Ok(s) => {
                let mut names = Vec::new();
                loop {
                    match s.read_directory_entry() {
                        Ok(Some(e)) => names.push(format!("{} {:?}", e.name, e.type_)),
                        Ok(None) => break,
                        Err(e) => return format!("error {}", e.name()),
                    }
                }
                names.sort();
                format!("{names:?}")
            }
            Err(e) => format!("error {}", e.name()),
        },
        "mkdir" => shown(at(1).create_directory_at(w[2])),
        "rmdir" => shown(at(1).remove_directory_at(w[2])),
        "unlink" => shown(at(1).unlink_file_at(w[2])),
        "rename" => shown(at(1).rename_at(w[2], at(3), w[4])),
        "link" => shown(at(1).link_at(follow(w[5]), w[2], at(3), w[4])),
        "symlink" => shown(at(1).symlink_at(w[2], w[3])),
        "readlink" => shown(at(1).readlink_at(w[2])),
        "same" => format!("{}", at(1).is_same_object(at(2))),
        // Whether two files have the same hash: a number and a path, twice.
        "hash" => {
            let of = |i: usize| at(i).metadata_hash_at(follow(w[5]), w[i + 1]).map(|h| (h.lower, h.upper));
            match (of(1), of(3)) {
                (Ok(a), Ok(b)) => format!("{}", a == b),
                (a, b) => format!("{} {}", shown(a), shown(b)),
            }
        }
        "own-hash" => {
            let of = |i: usize| at(i).metadata_hash().map(|h| (h.lower, h.upper)).unwrap();
            format!("{}", of(1) == of(2))
        }
        other => panic!("no operation {other}"),
    }
}
