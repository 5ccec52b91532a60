//! `--metrics`: figures in Prometheus's form, which move as mail does, and a port that is no web server.

use crate::relay::net::wait_for;
use crate::server::{CAROL, IMAP, LMTP, SMTP, Server, Talk, free_base, have, succeed};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A server that tells its figures, and the port where it does.
fn telling() -> (Server, u16) {
    let port = free_base() + 154;
    let server = Server::start(&["--metrics", &port.to_string()]);
    server.add_user("carol@example.test", &format!("{{PLAIN}}{CAROL}"));
    (server, port)
}

/// What is answered to octets, up to the end of the connection.
fn answered(port: u16, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    // It may have answered, and gone, before it has all.
    let _ = stream.write_all(request);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

/// The samples of a page: name with labels, and value. Fails where anything is not as the format has it.
fn checked(page: &str) -> BTreeMap<String, f64> {
    assert!(page.ends_with('\n'), "the last line has an end");
    let (mut kinds, mut helped, mut done) = (BTreeMap::new(), BTreeSet::new(), BTreeSet::new());
    let (mut samples, mut current) = (BTreeMap::new(), String::new());
    for line in page.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').unwrap();
            assert!(is_name(name) && !help.is_empty(), "{line}");
            assert!(helped.insert(name.to_owned()), "{name} is helped twice");
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').unwrap();
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(helped.contains(name), "{name} has a type before its help");
            assert!(done.insert(current), "a figure stands in one place");
            assert!(kinds.insert(name.to_owned(), kind.to_owned()).is_none());
            current = name.to_owned();
        } else {
            let (name, labels, value) = sample(line);
            let kind = &kinds[&current];
            let stem = name.strip_prefix(current.as_str()).unwrap_or("?");
            let parts: &[&str] = match kind.as_str() {
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            assert!(parts.contains(&stem), "{line} under {current}");
            assert!(kind != "counter" || name.ends_with("_total"), "{line}");
            assert!(value >= 0.0, "{line}");
            let known = samples.insert(format!("{name}{labels}"), value);
            assert!(known.is_none(), "{line} stands twice");
        }
    }
    rising(page);
    samples
}

fn is_name(name: &str) -> bool {
    let mut octets = name.bytes();
    octets.next().is_some_and(|b| b.is_ascii_alphabetic())
        && octets.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Name, labels and value of a sample.
fn sample(line: &str) -> (&str, &str, f64) {
    let end = line.find(['{', ' ']).unwrap();
    let (name, rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let (labels, value) = rest.rsplit_once(' ').unwrap();
    if !labels.is_empty() {
        let inner = labels.strip_prefix('{').and_then(|l| l.strip_suffix('}'));
        let mut rest = inner.unwrap_or_else(|| panic!("{line}"));
        while !rest.is_empty() {
            let (label, behind) = rest.split_once("=\"").unwrap();
            assert!(is_name(label), "{line}");
            let end = quoted(behind);
            rest = behind[end + 1..].trim_start_matches(',');
        }
    }
    (name, labels, value.parse().unwrap())
}

/// Where a label's value ends.
fn quoted(text: &str) -> usize {
    let mut octets = text.bytes().enumerate();
    while let Some((at, octet)) = octets.next() {
        match octet {
            b'"' => return at,
            b'\\' => assert!(matches!(octets.next(), Some((_, b'\\' | b'"' | b'n')))),
            _ => {}
        }
    }
    panic!("{text} has no end");
}

/// The buckets of each histogram rise, and the last is its count.
fn rising(page: &str) {
    let mut last = 0.0;
    for line in page.lines().filter(|l| !l.starts_with('#')) {
        let (name, labels, value) = sample(line);
        if name.ends_with("_bucket") {
            assert!(value >= last, "{line}");
            last = value;
            assert!(labels.contains("le=\""), "{line}");
        } else if name.ends_with("_count") {
            assert!(value == last, "{line} is not {last}");
        }
        if !name.ends_with("_bucket") && !name.ends_with("_sum") {
            last = 0.0;
        }
    }
}

fn figures(port: u16) -> BTreeMap<String, f64> {
    let answer = answered(port, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    let kind = "\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n";
    assert!(head.contains(kind), "{head}");
    assert!(head.contains(&format!("\r\nContent-Length: {}\r\n", page.len())));
    checked(page)
}

#[test]
fn figures_move_as_mail_does_and_name_nobody() {
    let (server, port) = telling();
    let before = figures(port);
    for n in 0..3 {
        server.deliver("carol@example.test", &format!("Subject: {n}\n\nbody\n"));
    }
    let mut lmtp = server.connect(LMTP);
    lmtp.expect("220 ");
    for command in [
        "LHLO x",
        "MAIL FROM:<a@b.test>",
        "RCPT TO:<carol@example.test>",
        "DATA",
    ] {
        lmtp.send(command);
        lmtp.reply();
    }
    lmtp.send("Subject: by LMTP\r\n\r\nbody\r\n.");
    assert!(lmtp.reply().starts_with("250 "));
    let mut imap = server.imap("carol@example.test", CAROL);
    imap.command("a", "APPEND INBOX {14+}\r\nSubject: x\r\n\r\n");
    imap.command("b", "SELECT INBOX");
    imap.command("c", "FETCH 1:* ENVELOPE");
    let mut wrong = server.connect(IMAP);
    wrong.expect("* OK ");
    wrong.send("w LOGIN carol@example.test wrong");
    wrong.expect("w NO ");
    let mut made_up = server.connect(IMAP);
    made_up.expect("* OK ");
    made_up.send("m AUTHENTICATE X-CAROLS-SECRET eA==");
    made_up.line();

    let after = figures(port);
    let grown = |name: &str| {
        let value = |all: &BTreeMap<String, f64>| all.get(name).copied();
        let after = value(&after).unwrap_or_else(|| panic!("{name} is not told: {after:#?}"));
        after - value(&before).unwrap_or(0.0)
    };
    for (name, by) in [
        ("mailcore_accepted_messages_total{protocol=\"smtp\"}", 3.0),
        ("mailcore_accepted_messages_total{protocol=\"lmtp\"}", 1.0),
        ("mailcore_accepted_messages_total{protocol=\"imap\"}", 1.0),
        ("mailcore_accepted_bytes_total{protocol=\"smtp\"}", 66.0),
        ("mailcore_accepted_bytes_total{protocol=\"lmtp\"}", 26.0),
        ("mailcore_accepted_bytes_total{protocol=\"imap\"}", 14.0),
        (
            "mailcore_deliveries_total{transport=\"virtual\",outcome=\"sent\"}",
            3.0,
        ),
        (
            "mailcore_delivery_delay_seconds_count{transport=\"virtual\"}",
            3.0,
        ),
        (
            "mailcore_logins_total{mechanism=\"PLAIN\",outcome=\"ok\"}",
            1.0,
        ),
        (
            "mailcore_logins_total{mechanism=\"PLAIN\",outcome=\"refused\"}",
            1.0,
        ),
        ("mailcore_sessions_total{protocol=\"imap\"}", 3.0),
        ("mailcore_sessions{protocol=\"lmtp\"}", 1.0),
    ] {
        assert_eq!(grown(name), by, "{name}");
    }
    assert!(grown("mailcore_queue_flush_changes_count") >= 3.0);
    assert!(grown("mailcore_mailbox_batch_messages_sum") >= 5.0);
    let told = ["hit", "miss"].map(|it| {
        let name = format!("mailcore_index_messages_total{{result=\"{it}\"}}");
        grown(&name)
    });
    assert!(told.iter().sum::<f64>() >= 5.0, "{told:?}");
    assert!(after["process_resident_memory_bytes"] > 1_000_000.0);
    let page = answered(port, b"GET /metrics HTTP/1.0\r\n\r\n").to_lowercase();
    assert!(!page.contains("carol") && !page.contains("secret"));
}

#[test]
fn mail_that_waits_is_told_by_lane_and_destination() {
    let folder = tempfile::tempdir().unwrap();
    let zone = folder.path().join("zone");
    std::fs::write(&zone, "nowhere.test. FAIL TIMEOUT\n").unwrap();
    let port = free_base() + 154;
    let (zone, told) = (zone.display().to_string(), port.to_string());
    let server = Server::start(&["--zone", &zone, "--metrics", &told]);
    let mut smtp = server.connect(SMTP);
    smtp.expect("220 ");
    for command in [
        "EHLO x",
        "MAIL FROM:<alice@example.test>",
        "RCPT TO:<x@nowhere.test>",
        "RCPT TO:<y@Nowhere.test>",
        "DATA",
    ] {
        smtp.send(command);
        let reply = smtp.reply();
        assert!(reply.starts_with(['2', '3']), "{command}: {reply}");
    }
    smtp.send("Subject: x\r\n\r\nx\r\n.");
    assert!(smtp.reply().starts_with("250 "));
    let all = wait_for("it to be deferred", || {
        let all = figures(port);
        (all["mailcore_queue_messages{lane=\"deferred\"}"] == 1.0).then_some(all)
    });
    for (name, value) in [
        ("mailcore_queue_messages{lane=\"active\"}", 0.0),
        (
            "mailcore_queue_destination_recipients{destination=\"nowhere.test\"}",
            2.0,
        ),
        (
            "mailcore_deliveries_total{transport=\"smtp\",outcome=\"deferred\"}",
            2.0,
        ),
    ] {
        assert_eq!(all[name], value, "{name}");
    }
}

#[test]
fn what_is_no_request_for_figures_is_refused_and_bounded() {
    let (_server, port) = telling();
    let long = format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "x".repeat(5_000));
    let many = format!(
        "GET /metrics HTTP/1.1\r\n{}\r\n",
        "a: b\r\n".repeat(100_000)
    );
    for (request, status) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "404"),
        ("POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "405"),
        ("GET /metrics HTTP/1.1\r\n\r\n", "400"),
        ("EHLO x\r\n\r\n", "400"),
        ("GET /metrics HTTP/3.0\r\nHost: x\r\n\r\n", "505"),
        (&long, "414"),
        (&many, "431"),
    ] {
        let answer = answered(port, request.as_bytes());
        let begin = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&begin), "{request:.60}: {answer:.200}");
    }
    let answer = answered(port, b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\n"));
    // Who says nothing is told so, and is no obstacle to the next.
    let mute: Vec<Talk> = (0..4)
        .map(|_| Talk::over(TcpStream::connect(("127.0.0.1", port)).unwrap()))
        .collect();
    assert!(figures(port).len() > 50);
    for mut mute in mute {
        mute.expect("HTTP/1.1 408 ");
    }
}

#[test]
fn curl_reads_the_figures() {
    if !have(&["curl"]) {
        return;
    }
    let (_server, port) = telling();
    let url = format!("http://127.0.0.1:{port}/metrics");
    checked(&succeed(Command::new("curl").args(["-sS", "-f", &url])));
}

#[test]
fn promtool_finds_nothing_to_object_to() {
    if !have(&["promtool"]) {
        return;
    }
    let (_server, port) = telling();
    let answer = answered(port, b"GET /metrics HTTP/1.0\r\n\r\n");
    let mut promtool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let page = answer.split_once("\r\n\r\n").unwrap().1;
    let mut input = promtool.stdin.take().unwrap();
    input.write_all(page.as_bytes()).unwrap();
    drop(input);
    let done = promtool.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.success() && said.is_empty(), "{said}");
}
