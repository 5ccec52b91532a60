//! A lookup table of your own: aliases that stand in no file but are computed. Mail for `ticket-1234@example.test`
//! goes to whoever is on duty for that ticket. A table may as well ask a database: found, absent, or cannot tell.
//!
//!     cargo run --example table            # looks some addresses up
//!     cargo test --example table           # the conformance suite of tables

use mailcore::async_trait;
use mailcore::auth::{MemoryUsers, hasher};
use mailcore::base::address::{Address, ForwardPath};
use mailcore::route::{Destination, Routes};
use mailcore::store::table::{Shape, Table};
use mailcore::store::{Error, Kind, Result};
use std::sync::Arc;

/// Who is on duty; nobody at all while the roster is being written.
#[derive(Debug)]
struct Duty {
    roster: Vec<&'static str>,
}

#[async_trait]
impl Table for Duty {
    async fn get(&self, key: &str) -> Result<Option<String>> {
        // Routing asks for `ticket-1234@example.test` first, then for `ticket-1234`, then for `@example.test`.
        let Some(ticket) = key
            .strip_prefix("ticket-")
            .and_then(|n| n.parse::<usize>().ok())
        else {
            return Ok(None); // surely not one of ours
        };
        // Absent would bounce the mail. What cannot be told just now is an error: the mail waits.
        match self.roster.len() {
            0 => Err(Error::new(Kind::Unavailable, "the roster is empty")),
            n => Ok(self.roster.get(ticket % n).map(|name| (*name).to_owned())),
        }
    }

    fn shape(&self) -> Shape {
        Shape::Exact
    }
}

/// Routing for example.test with this table.
fn routes(roster: Vec<&'static str>) -> std::result::Result<Routes, Box<dyn std::error::Error>> {
    let people = [
        ("alice@example.test", "wonderland"),
        ("bob@example.test", "builder"),
    ];
    let users = MemoryUsers::with_passwords(hasher(), people)?;
    Ok(Routes::new("example.test".parse()?, [], Arc::new(users))
        .with_aliases(Arc::new(Duty { roster })))
}

async fn whither(
    routes: &Routes,
    recipient: &str,
) -> std::result::Result<String, Box<dyn std::error::Error>> {
    let path = ForwardPath::from(recipient.parse::<Address>()?);
    Ok(match routes.resolve(&path).await {
        Ok(Destination::Targets(targets)) => targets
            .iter()
            .map(|target| target.address().to_string())
            .collect::<Vec<_>>()
            .join(", "),
        Ok(Destination::Unknown(_)) => "nobody".into(),
        Ok(_) => "another server".into(),
        Err(error) => format!("later ({error})"),
    })
}

#[tokio::main]
async fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let routes = routes(vec!["alice", "bob"])?;
    for recipient in [
        "ticket-1234@example.test",
        "ticket-1235@example.test",
        "ticket@example.test",
        "x@example.org",
    ] {
        println!("{recipient} goes to {}", whither(&routes, recipient).await?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailcore::store::conform::table;

    #[tokio::test]
    async fn it_conforms() {
        let duty = Duty {
            roster: vec!["alice", "bob"],
        };
        let held = [("ticket-0", "alice"), ("ticket-7", "bob")];
        table::finds_what_it_holds_and_nothing_else(
            &duty,
            &held,
            &["ticket-", "ticket-x", "alice"],
        )
        .await;
        table::strange_keys_are_no_trouble(&duty).await;
    }

    #[tokio::test]
    async fn mail_waits_while_nobody_can_tell() {
        let told = routes(vec!["alice", "bob"]).unwrap();
        assert_eq!(
            whither(&told, "ticket-3@example.test").await.unwrap(),
            "bob@example.test"
        );
        let untold = routes(vec![]).unwrap();
        assert!(
            whither(&untold, "ticket-3@example.test")
                .await
                .unwrap()
                .starts_with("later")
        );
    }
}
