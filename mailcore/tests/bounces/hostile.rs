//! What peers say stays in its field and in its part.

use crate::scene::{MESSAGE, Read, Scene};
use mailcore::base::address::{LocalPart, Repertoire};
use mailcore::base::reply::{Code, Reply};
use mailcore::deliver::Fate;
use proptest::prelude::*;

const BOUNDARY: &str = "--973D698E128.1795181945/mx.example.test";

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

fn said(text: &str) -> Fate {
    let reply = Reply::new(Code::new(550).unwrap(), None, text.to_owned());
    Fate::failed((0, 0), text).by(text).said(text, reply)
}

fn holds(scene: &Scene) -> std::result::Result<(), TestCaseError> {
    let reports = scene.reports();
    prop_assert_eq!(reports.len(), 1);
    let read = block_on(Read::of(&reports[0], MESSAGE));
    let text = String::from_utf8_lossy(&read.octets).into_owned();
    let ends: Vec<_> = text.lines().filter(|l| l.starts_with("--9")).collect();
    let last = format!("{BOUNDARY}--");
    prop_assert_eq!(ends, [BOUNDARY, BOUNDARY, BOUNDARY, last.as_str()]);
    prop_assert_eq!(read.types().len(), 3);
    prop_assert_eq!(read.status().len(), 2);
    prop_assert_eq!(read.status()[1].len(), 6, "{:?}", read.status());
    for name in [
        "From",
        "To",
        "Subject",
        "Auto-Submitted",
        "Content-Type",
        "MIME-Version",
    ] {
        read.field(name);
    }
    for line in text.split("\r\n") {
        prop_assert!(!line.contains(['\r', '\n', '\0']), "{:?}", line);
        prop_assert!(line.len() <= 998);
    }
    Ok(())
}

#[test]
fn a_reply_cannot_end_its_part() {
    for text in [
        format!("x\r\n{BOUNDARY}--\r\nSubject: forged"),
        format!("x\n\n{BOUNDARY}\nContent-Type: text/html\n\n<b>"),
        "x\r\n\r\nFinal-Recipient: rfc822; victim@y.test\r\nAction: failed".to_owned(),
        "\u{2028}\u{85}\u{0}\u{1b}[2J\u{202e}".to_owned(),
        "y".repeat(100_000),
        " ".repeat(5_000),
        "ü".repeat(5_000),
        String::new(),
    ] {
        holds(&Scene::from("<a@src.test>").to("<x@y.test>", said(&text))).unwrap();
        holds(
            &Scene::from("<a@src.test>")
                .to("<x@y.test>", said(&text))
                .utf8(),
        )
        .unwrap();
    }
}

#[test]
fn a_thousand_recipients_with_long_replies_make_a_bounded_report() {
    let mut scene = Scene::from("<a@src.test>");
    for n in 0..1000 {
        scene = scene.to(&format!("<x{n}@y.test>"), said(&"long ".repeat(50_000)));
    }
    let report = scene.reports().remove(0);
    assert!(
        report.before.len() < 1000 * 3 * 4500,
        "{}",
        report.before.len()
    );
}

#[test]
fn a_long_hostname_makes_a_boundary_that_holds() {
    let mut scene = Scene::from("<a@src.test>").to("<x@y.test>", said("no"));
    let long = format!("{}.example.test", "a".repeat(63));
    let parsed = mailcore::base::address::Domain::parse(&long, Repertoire::Ascii);
    scene.options.hostname = parsed.unwrap();
    let report = scene.reports().remove(0);
    let read = block_on(Read::of(&report, MESSAGE));
    assert_eq!(read.types().len(), 3, "{}", read.field("Content-Type"));
}

proptest! {
    #[test]
    fn whatever_is_said_stays_where_it_belongs(
        text in "(\\PC|[\r\n\t \u{0}-]|\r\n--973D698E128){0,200}",
        local in "(\\PC|[\"\\\\<>@ ]){1,60}",
        utf8: bool,
    ) {
        let Ok(local) = LocalPart::new(&local) else { return Ok(()) };
        let address = format!("<{local}@y.test>");
        let scene = Scene::from(&address).to(&address, said(&text)).expanded_from(&address);
        holds(&if utf8 { scene.utf8() } else { scene })?;
    }
}
