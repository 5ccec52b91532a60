//! However bytes are cut on their way, the conversation is the same.

use crate::harness::{
    Choppy, KINDS, connecting, conversation, pair, serve, serving, talk, transcript,
};
use crate::toy::client::Script;
use crate::toy::desk::{Store, Tally};
use mailcore::net::{Ended, Stream};
use mailcore_base::wire::{Layer, Limits};
use std::time::Duration;

/// Both machines against each other, each side's stream chopped; returns what the client heard.
async fn chopped(layers: &[Layer], read: usize, write: usize, lazy: u64) -> Script {
    let (near, far) = pair(64 * 1024);
    let (mut near, mut far) = (
        Choppy::new(near, read, write),
        Choppy::new(far, read, write),
    );
    near.lazy = lazy;
    far.lazy = lazy;
    far.dice.0 = 7;
    let store = Store {
        word: Duration::from_millis(3),
        bytes: Duration::from_millis(2),
        commit: Duration::from_millis(5),
        ..Store::default()
    };
    let tally = store.tally.clone();
    let limits = Limits {
        output: 40,
        ..Limits::default()
    };
    let server = tokio::spawn(serve(Stream::new(near, serving()), store, limits));
    let script = talk(
        Stream::new(far, connecting()),
        Script::new(conversation(layers)),
    )
    .await;
    assert!(matches!(server.await.unwrap(), Ended::Closed));
    assert_eq!(Tally::of(&tally.secured), layers.len() as u64);
    assert_eq!(Tally::of(&tally.commits), 1);
    assert_eq!(Tally::of(&tally.dropped), 0);
    script
}

#[tokio::test(start_paused = true)]
async fn every_chunk_size_gives_the_same_transcript() {
    let whole = chopped(&[], usize::MAX, usize::MAX, 0).await;
    assert_eq!(whole.heard, transcript(&[]));
    for size in 1..=130 {
        let cut = chopped(&[], size, usize::MAX, 0).await;
        assert_eq!((cut.heard, cut.body), (whole.heard.clone(), whole.body));
    }
}

#[tokio::test(start_paused = true)]
async fn every_partial_write_gives_the_same_transcript() {
    let whole = chopped(&[], usize::MAX, usize::MAX, 0).await;
    for size in 1..=130 {
        let cut = chopped(&[], usize::MAX, size, 0).await;
        assert_eq!((cut.heard, cut.body), (whole.heard.clone(), whole.body));
    }
}

#[tokio::test(start_paused = true)]
async fn layers_survive_any_cut() {
    for layers in KINDS {
        let whole = chopped(layers, usize::MAX, usize::MAX, 0).await;
        assert_eq!((&whole.heard, whole.body), (&transcript(layers), 100));
        for (read, write, lazy) in [
            (1, 1, 0),
            (2, 3, 2),
            (5, 1, 3),
            (1, 7, 2),
            (1000, 1000, 2),
            (usize::MAX, usize::MAX, 3),
        ] {
            let cut = chopped(layers, read, write, lazy).await;
            assert_eq!((cut.heard, cut.body), (whole.heard.clone(), whole.body));
        }
    }
}
