//! The stores that come with the crate conform.
#![cfg(feature = "conform")]
#![allow(clippy::unwrap_used)]

use mailcore_store::auth::User;
use mailcore_store::conform;
use mailcore_store::mailbox::MemoryStore;

#[tokio::test]
async fn the_memory_store_conforms() {
    let store = MemoryStore::new();
    conform::mailbox::all(&store, &|name| User::new(format!("{name}@example.test"))).await;
}

#[cfg(feature = "files")]
mod files {
    use super::*;
    use mailcore_store::disk::{RealDisk, SimDisk};
    use mailcore_store::mailbox::Clock;
    use mailcore_store::mailbox::maildir::{Maildir, Options};
    use std::sync::Arc;
    use std::time::{Duration, UNIX_EPOCH};

    fn user(name: &str) -> User {
        User::new(format!("{name}@example.test"))
    }

    #[tokio::test]
    async fn the_maildir_store_conforms_on_a_simulated_disk() {
        let disk = SimDisk::new(UNIX_EPOCH + Duration::from_secs(1_700_000_000));
        let clock = {
            let disk = disk.clone();
            Clock::new(move || disk.now())
        };
        let store = Maildir::on(Arc::new(disk), clock, Options::new("mail/%d/%n"));
        conform::mailbox::all(&store, &user).await;
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_maildir_store_conforms_on_a_real_disk() {
        let dir = tempfile::tempdir().unwrap();
        let disk = Arc::new(RealDisk::new(dir.path()));
        let store = Maildir::on(disk, Clock::system(), Options::new("%d/%n/Maildir"));
        conform::mailbox::all(&store, &user).await;
    }
}
