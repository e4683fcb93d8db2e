//! The standard library on a folder.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::time::{Duration, UNIX_EPOCH};

pub fn run(dir: &str) {
    if let Err(e) = work(dir) {
        println!("error {:?}", e.kind());
        std::process::exit(1);
    }
}

fn work(dir: &str) -> std::io::Result<()> {
    let at = |name: &str| format!("{dir}/{name}");
    fs::create_dir_all(at("a/b/c"))?;
    fs::write(at("a/one"), "hello")?;
    OpenOptions::new().append(true).open(at("a/one"))?.write_all(b", world")?;
    println!("read {}", fs::read_to_string(at("a/one"))?);

    let mut f = OpenOptions::new().read(true).write(true).open(at("a/one"))?;
    f.seek(SeekFrom::Start(7))?;
    f.write_all(b"there")?;
    f.seek(SeekFrom::End(-5))?;
    let mut text = String::new();
    f.read_to_string(&mut text)?;
    println!("end {text}");
    f.set_len(5)?;
    f.set_modified(UNIX_EPOCH + Duration::from_secs(1_000_000_000))?;
    f.sync_all()?;
    let m = f.metadata()?;
    println!("size {} modified {}", m.len(), m.modified()?.duration_since(UNIX_EPOCH).unwrap().as_secs());
    drop(f);

    let big = vec![7u8; 300_000];
    fs::write(at("big"), &big)?;
    println!("big {}", fs::read(at("big"))? == big);
    println!("copied {}", fs::copy(at("big"), at("a/copy"))?);
    fs::hard_link(at("a/one"), at("a/hard"))?;
    fs::rename(at("a/hard"), at("a/b/moved"))?;
    println!("moved {}", fs::read_to_string(at("a/b/moved"))?);

    let mut names: Vec<_> = fs::read_dir(at("a"))?
        .map(|e| e.map(|e| (e.file_name().into_string().unwrap(), e.file_type().unwrap().is_dir())))
        .collect::<Result<_, _>>()?;
    names.sort();
    println!("list {names:?}");
    println!("missing {:?}", File::open(at("none")).map_err(|e| e.kind()).err());
    println!("exists {:?}", fs::create_dir(at("a")).map_err(|e| e.kind()).err());
    println!("not empty {:?}", fs::remove_dir(at("a")).map_err(|e| e.kind()).err());
    fs::remove_file(at("big"))?;
    fs::remove_dir_all(at("a"))?;
    println!("left {}", fs::read_dir(dir)?.count());
    Ok(())
}
