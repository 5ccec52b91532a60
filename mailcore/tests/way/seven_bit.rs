//! An eighth bit, and servers that cannot take it.

use crate::peer::Peer;
use crate::scene::{Octets, job, options, transport, zone};
use mailcore::deliver::{Action, Transport};
use mailcore_base::envelope::Body;
use std::sync::Arc;

const MESSAGE: &str = "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
                       Content-Transfer-Encoding: 8bit\r\n\r\ngr\u{fc}n\r\n";

#[tokio::test]
async fn a_message_is_converted_only_for_who_cannot_take_it_as_it_is() {
    let old = Peer::start(&[
        ("EHLO", "250-mx.test\r\n250-SIZE\r\n250 PIPELINING"),
        ("RCPT", "450 4.2.0 grey"),
    ])
    .await;
    let older = Peer::start(&[("EHLO", "250-mx.test\r\n250 SIZE")]).await;
    let transport = transport(options(), zone(&[&old, &older]));
    let mut job = job(&["b@example.test"], "example.test");
    job.content = Arc::new(Octets(MESSAGE.into()));
    let mut envelope = (*job.envelope).clone();
    envelope.parameters.body = Some(Body::EightBitMime);
    job.envelope = Arc::new(envelope);
    let report = transport.deliver(&job).await;
    assert_eq!(report.fates[0].action, Action::Relayed { reports: false });
    assert_eq!(old.connections(), 1);
    let heard = older.heard();
    let encoded = "Content-Transfer-Encoding: quoted-printable";
    assert!(heard.contains(&encoded.to_owned()), "{heard:?}");
    assert!(heard.contains(&"gr=C3=BCn".to_owned()));
    // The size is that of what is sent.
    let size = MESSAGE.len() + "quoted-printable".len() - "8bit".len() + "=C3=BC".len() - 2;
    assert_eq!(
        older.heard_of("MAIL"),
        [format!("MAIL FROM:<a@client.test> SIZE={size}")]
    );

    let able = Peer::start(&[]).await;
    let transport = crate::scene::transport(options(), zone(&[&able]));
    transport.deliver(&job).await;
    assert!(able.heard().contains(&"gr\u{fc}n".to_owned()));
    assert_eq!(
        able.heard_of("MAIL"),
        ["MAIL FROM:<a@client.test> BODY=8BITMIME"]
    );
}
