//! What a sender asks to be notified of goes along with the mail (RFC 3461), to servers that know of it.

use super::net::{Letter, Net, exchanger, wait_for_line};
use super::scripted::Scripted;
use crate::server::free_base;

/// What a peer with these extensions hears of MAIL and RCPT.
fn heard(extensions: &'static [&'static str], letter: &Letter<'_>) -> Vec<String> {
    let peer = Scripted::start(extensions);
    let net = Net::new(&exchanger("c.test", peer.port));
    let a = net.start("a.test", free_base(), &[]);
    let id = letter.send(&a);
    wait_for_line(&a, &[&id, "status=sent"]);
    let commands = peer.heard().commands.into_iter();
    let ours = |it: &String| it.starts_with("MAIL") || it.starts_with("RCPT");
    commands.filter(ours).collect()
}

const ASKING: Letter<'_> = Letter {
    mail: "<alice@a.test> RET=HDRS ENVID=QQ+2B314159",
    rcpt: &[
        "<x@c.test> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;Or+2Big@elsewhere.test",
        "<y@c.test> NOTIFY=NEVER",
        "<z@c.test>",
    ],
    message: "Subject: asked\n\nbody\n",
};

#[test]
fn dsn_parameters_are_carried_onwards_as_they_came() {
    let heard = heard(&["DSN", "PIPELINING", "SIZE 1000000"], &ASKING);
    let [mail, x, y, z] = &heard[..] else {
        panic!("{heard:#?}")
    };
    assert!(mail.starts_with("MAIL FROM:<alice@a.test> "), "{mail}");
    assert!(
        mail.contains(" RET=HDRS") && mail.contains(" ENVID=QQ+2B314159"),
        "{mail}"
    );
    assert!(mail.contains(" SIZE="), "{mail}");
    assert!(x.starts_with("RCPT TO:<x@c.test> "), "{x}");
    assert!(x.contains(" NOTIFY=SUCCESS,FAILURE"), "{x}");
    assert!(x.contains(" ORCPT=rfc822;Or+2Big@elsewhere.test"), "{x}");
    assert!(y.contains(" NOTIFY=NEVER"), "{y}");
    assert!(!z.contains("NOTIFY="), "{z}");
}

#[test]
fn a_server_without_dsn_hears_nothing_of_it() {
    let heard = heard(&["8BITMIME"], &ASKING);
    assert_eq!(
        heard,
        [
            "MAIL FROM:<alice@a.test>",
            "RCPT TO:<x@c.test>",
            "RCPT TO:<y@c.test>",
            "RCPT TO:<z@c.test>",
        ]
    );
}
