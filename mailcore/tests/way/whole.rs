//! Against our own server: what was queued is what arrives.

use crate::scene::{Octets, job, options, transport};
use mailcore::collector::Collector;
use mailcore::deliver::Transport;
use mailcore::dns::Zone;
use std::sync::Arc;

#[tokio::test]
async fn a_message_arrives_as_it_was_over_connections_that_are_kept() {
    let mut inbox = Collector::start().unwrap();
    let hop = format!("[{}]:{}", inbox.address().ip(), inbox.address().port());
    let mut options = options();
    options.cache.rest = std::time::Duration::from_secs(60);
    let transport = transport(options, Zone::default());
    let long = format!(
        "Subject: long\r\n\r\n{}",
        "..a line\r\n.\r\n".repeat(50_000)
    );
    for content in ["Subject: short\r\n\r\n.\r\n", &long] {
        let mut job = job(&["b@example.test", "c@example.test"], &hop);
        job.content = Arc::new(Octets(content.into()));
        let report = transport.deliver(&job).await;
        for fate in &report.fates {
            assert!(fate.text.starts_with("250 2.0.0 "), "{}", fate.text);
        }
        let message = inbox.next().await.unwrap();
        let recipients: Vec<_> = message
            .envelope
            .recipients
            .iter()
            .map(|it| it.path.to_string())
            .collect();
        assert_eq!(recipients, ["b@example.test", "c@example.test"]);
        assert!(message.content.ends_with(content.as_bytes()));
    }
    transport.close().await;
}
