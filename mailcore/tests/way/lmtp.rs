//! LMTP: over TCP and Unix sockets, with an answer for each recipient.

use crate::peer::Peer;
use crate::scene::{job, shown, transport};
use mailcore::deliver::Transport;
use mailcore::deliver::smtp::Options;
use mailcore::dns::Zone;
use std::time::Duration;

fn options() -> Options {
    let mut options = Options::lmtp("client.test".parse().unwrap());
    options.cache.rest = Duration::ZERO;
    options
}

#[tokio::test]
async fn each_recipient_is_answered_for_over_either_kind_of_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lmtp");
    let script = &[
        ("RCPT TO:<none", "550 5.1.1 unknown"),
        (".again", "452 4.2.2 full"),
    ];
    let unix = Peer::at_path(&path, script);
    let tcp = Peer::start(script).await;
    let transport = transport(options(), Zone::default());
    let place = path.display();
    for (peer, hop, name) in [
        (
            &unix,
            format!("unix:{place}"),
            format!("client.test[{place}]"),
        ),
        (
            &tcp,
            format!("inet:127.0.0.1:{}", tcp.at.port()),
            "127.0.0.1[127.0.0.1]".to_owned(),
        ),
    ] {
        let to = ["one@x.test", "none@x.test", "two@x.test"];
        let report = transport.deliver(&job(&to, &hop)).await;
        let fates: Vec<_> = report.fates.iter().map(|it| shown(it, &[peer])).collect();
        let relay = match hop.starts_with("unix:") {
            true => name.clone(),
            false => format!("{name}:PORT"),
        };
        assert_eq!(
            fates,
            [
                format!("Relayed {{ reports: false }} 2.0.0 {relay}: 250 2.0.0 Ok: queued as X"),
                format!(
                    "Failed 5.1.1 {relay}: host {name} said: 550 5.1.1 unknown \
                     (in reply to RCPT TO command)"
                ),
                format!(
                    "Deferred 4.2.2 {relay}: host {name} said: 452 4.2.2 full \
                     (in reply to end of DATA command)"
                ),
            ]
        );
        assert_eq!(peer.heard_of("LHLO"), ["LHLO client.test"]);
    }
}

#[tokio::test]
async fn a_unix_socket_that_is_not_there_defers() {
    let transport = transport(options(), Zone::default());
    let report = transport
        .deliver(&job(&["a@x.test"], "unix:/nowhere/lmtp"))
        .await;
    assert_eq!(
        shown(&report.fates[0], &[]),
        "Deferred 4.4.1 none: connect to client.test[/nowhere/lmtp]: No such file or directory"
    );
}
