//! The stores that come with the crate conform.
#![cfg(feature = "conform")]

use mailcore_store::auth::User;
use mailcore_store::conform;
use mailcore_store::mailbox::MemoryStore;

#[tokio::test]
async fn the_memory_store_conforms() {
    let store = MemoryStore::new();
    conform::mailbox::all(&store, &|name| User::new(format!("{name}@example.test"))).await;
}
