//! A request: METHOD URL [OPTION...], where an option is body=TEXT, body-size=N, header=NAME:VALUE,
//! trailer=NAME:VALUE, first-byte-ms=N, between-bytes-ms=N, connect-ms=N, unfinished or abandon.

use wasip2::http::outgoing_handler::handle;
use wasip2::http::types::*;
use wasip2::io::streams::StreamError;

pub fn run(args: &[&str]) {
    match request(args) {
        Ok(()) => {}
        Err(e) => println!("error {e:?}"),
    }
}

fn option<'a>(args: &[&'a str], name: &str) -> Vec<&'a str> {
    args.iter().filter_map(|a| a.strip_prefix(name)?.strip_prefix('=')).collect()
}

fn entries(list: &[&str]) -> Vec<(String, Vec<u8>)> {
    list.iter().map(|h| h.split_once(':').unwrap()).map(|(n, v)| (n.to_string(), v.as_bytes().to_vec())).collect()
}

fn request(args: &[&str]) -> Result<(), ErrorCode> {
    let (scheme, rest) = args[1].split_once("://").unwrap();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let headers = match Fields::from_list(&entries(&option(args, "header"))) {
        Ok(h) => h,
        Err(e) => {
            println!("headers {e:?}");
            return Ok(());
        }
    };
    let request = OutgoingRequest::new(headers);
    let method = match args[0] {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        other => Method::Other(other.into()),
    };
    println!("set {:?}", request.set_method(&method));
    let scheme = if scheme == "http" { Scheme::Http } else { Scheme::Https };
    println!("set {:?}", request.set_scheme(Some(&scheme)));
    println!("set {:?}", request.set_authority(Some(authority)));
    println!("set {:?}", request.set_path_with_query(Some(path)));
    println!("immutable {:?}", request.headers().set("x", &[b"y".to_vec()]).unwrap_err());

    let options = RequestOptions::new();
    let ms = |name: &str| option(args, name).first().map(|n| n.parse::<u64>().unwrap() * 1_000_000);
    options.set_first_byte_timeout(ms("first-byte-ms")).unwrap();
    options.set_between_bytes_timeout(ms("between-bytes-ms")).unwrap();
    options.set_connect_timeout(ms("connect-ms")).unwrap();

    let mut text = option(args, "body").concat().into_bytes();
    if let Some(n) = option(args, "body-size").first() {
        text = vec![b'x'; n.parse().unwrap()];
    }
    let body = request.body().unwrap();
    println!("second body {:?}", request.body().map(|_| ()));
    let future = handle(request, Some(options))?;
    if args.contains(&"abandon") {
        drop(body);
    } else if !args.contains(&"unfinished") {
        send(body, &text, &entries(&option(args, "trailer")))?;
    }
    future.subscribe().block();
    let response = future.get().unwrap().unwrap()?;
    println!("again {:?}", future.get().unwrap().map(|_| ()));
    receive(response)
}

fn send(body: OutgoingBody, mut text: &[u8], trailers: &[(String, Vec<u8>)]) -> Result<(), ErrorCode> {
    let stream = body.write().unwrap();
    while !text.is_empty() {
        match stream.check_write() {
            Ok(0) => stream.subscribe().block(),
            Ok(n) => {
                let (now, later) = text.split_at(text.len().min(n as usize));
                if let Err(e) = stream.write(now) {
                    println!("write {}", described(e));
                    break;
                }
                text = later;
            }
            Err(e) => {
                println!("check-write {}", described(e));
                break;
            }
        }
    }
    drop(stream);
    let trailers = if trailers.is_empty() { None } else { Some(Fields::from_list(trailers).unwrap()) };
    OutgoingBody::finish(body, trailers)
}

fn described(e: StreamError) -> String {
    match e {
        StreamError::Closed => "closed".into(),
        StreamError::LastOperationFailed(e) => format!("failed {:?}", http_error_code(&e)),
    }
}

fn receive(response: IncomingResponse) -> Result<(), ErrorCode> {
    println!("status {}", response.status());
    for (name, value) in response.headers().entries() {
        println!("header {name}: {}", String::from_utf8(value).unwrap());
    }
    let body = response.consume().unwrap();
    println!("second consume {:?}", response.consume().map(|_| ()));
    let stream = body.stream().unwrap();
    let mut content = Vec::new();
    loop {
        match stream.blocking_read(1 << 20) {
            Ok(b) => content.extend(b),
            Err(StreamError::Closed) => break,
            Err(e) => {
                println!("body {}", described(e));
                break;
            }
        }
    }
    drop(stream);
    if content.len() < 200 {
        println!("body {}", String::from_utf8(content).unwrap());
    } else {
        println!("body of {}", content.len());
    }
    let trailers = IncomingBody::finish(body);
    trailers.subscribe().block();
    match trailers.get().unwrap().unwrap()? {
        None => println!("no trailers"),
        Some(f) => {
            for (name, value) in f.entries() {
                println!("trailer {name}: {}", String::from_utf8(value).unwrap());
            }
        }
    }
    Ok(())
}

/// The resources by themselves.
pub fn types() {
    let f = Fields::new();
    println!("append {:?} {:?}", f.append("A", b"1"), f.append("a", b"2"));
    println!("set {:?}", f.set("b", &[b"x".to_vec(), b"y".to_vec()]));
    println!("set {:?} {:?}", f.set("host", &[]).unwrap_err(), f.set("b", &[b"\n".to_vec()]).unwrap_err());
    println!("get {:?} {:?} {:?}", f.get("A"), f.get("none"), f.get("not a name"));
    println!("has {} {}", f.has("B"), f.has("c"));
    let copy = f.clone();
    println!("delete {:?} {:?} {:?}", f.delete("a"), f.delete("none"), f.delete("no name").unwrap_err());
    println!("entries {} {}", f.entries().len(), copy.entries().len());

    let r = OutgoingRequest::new(copy);
    println!("default {:?} {:?} {:?} {:?}", r.method(), r.scheme(), r.authority(), r.path_with_query());
    let method = |m: &str| r.set_method(&Method::Other(m.into()));
    println!("method {:?} {:?} {:?} {:?}", method("FOO"), r.method(), method("a b"), method(""));
    let scheme = |s: &str| r.set_scheme(Some(&Scheme::Other(s.into())));
    println!("scheme {:?} {:?} {:?} {:?}", scheme("ws"), r.scheme(), scheme("a b"), r.set_scheme(None));
    let authority = |s: &str| r.set_authority(Some(s));
    println!("authority {:?} {:?} {:?} {:?}", authority("h:1"), r.authority(), authority("u@h"), authority("h/x"));
    let path = |s: &str| r.set_path_with_query(Some(s));
    println!("path {:?} {:?} {:?} {:?} {:?}", path("/a?b"), r.path_with_query(), path("a"), path("/a#b"), path("/a b"));
    println!("headers {}", r.headers().entries().len());

    let o = RequestOptions::new();
    println!("options {:?} {:?} {:?}", o.connect_timeout(), o.first_byte_timeout(), o.between_bytes_timeout());
    println!("set {:?} {:?}", o.set_connect_timeout(Some(1)), o.connect_timeout());

    let body = r.body().unwrap();
    let stream = body.write().unwrap();
    println!("room {:?} {:?}", stream.check_write(), stream.write(b"abc"));
    println!("room {:?} second {:?}", stream.check_write(), body.write().map(|_| ()));
    drop(stream);
    println!("finish {:?}", OutgoingBody::finish(body, None).is_ok());
    let r = OutgoingRequest::new(Fields::new());
    println!("handle {:?}", handle(r, None).map(|_| ()));
}
