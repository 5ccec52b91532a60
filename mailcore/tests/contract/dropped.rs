//! THE RULE: a step dropped is a step not taken; the machine says it again.

use crate::harness::{
    Choppy, Dice, KINDS, connecting, conversation, pair, serve, serving, talk, transcript,
};
use crate::toy::client::{Client, Script};
use crate::toy::desk::{Store, Tally};
use crate::toy::server::Server;
use crate::toy::{Serving, Talking};
use mailcore::net::{Dialog, End, Happened, Stream, Transport, now};
use mailcore_base::wire::{Layer, Limits};
use std::future::Future;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

/// Polls `work` at most `polls` times, then drops it.
async fn at_most<T>(polls: u64, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut left = polls;
    std::future::poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        work.as_mut().poll(cx).map(Some)
    })
    .await
}

/// A dialog of which a step can be taken and dropped at once.
trait Careless<S: Transport>: Dialog<S> {
    fn step_and_drop(&mut self);
}

impl<S: Transport> Careless<S> for Serving {
    fn step_and_drop(&mut self) {
        let _ = self.machine.step(now());
    }
}

impl<S: Transport> Careless<S> for Talking {
    fn step_and_drop(&mut self) {
        let _ = self.machine.step(now());
    }
}

/// A loop that drops steps, races and answers at the dice's whim; says how many.
async fn careless<D, S>(dialog: &mut D, end: &mut End<S>, mut dice: Dice) -> u64
where
    D: Careless<S>,
    S: Transport,
{
    let mut dropped = 0;
    loop {
        if dice.roll(4) == 0 {
            dialog.step_and_drop();
            dropped += 1;
        }
        // Now and then a turn gets the time that it needs.
        let polls = match dice.roll(5) {
            4 => u64::MAX,
            few => few,
        };
        match at_most(polls, dialog.turn(end)).await {
            Some(Happened::Closed) => return dropped,
            Some(_) => {}
            None => dropped += 1,
        }
    }
}

fn store() -> Store {
    Store {
        word: Duration::from_millis(3),
        bytes: Duration::from_millis(1),
        commit: Duration::from_millis(5),
        ..Store::default()
    }
}

async fn server_drops(layers: &[Layer], seed: u64) {
    let (near, far) = pair(64 * 1024);
    let (near, far) = (Choppy::new(near, 9, 11), Choppy::new(far, 30, 30));
    let store = store();
    let tally = store.tally.clone();
    let serving = tokio::spawn(async move {
        let mut end = crate::toy::end(Stream::new(near, serving()));
        let limits = Limits {
            output: 40,
            ..Limits::default()
        };
        let machine = Server::new(limits);
        let dropped = careless(&mut Serving { machine, store }, &mut end, Dice(seed)).await;
        end.close().await;
        dropped
    });
    let script = talk(
        Stream::new(far, connecting()),
        Script::new(conversation(layers)),
    )
    .await;
    assert_eq!(script.heard, transcript(layers), "seed {seed}");
    assert_eq!(script.body, 100);
    assert!(serving.await.unwrap() > 0);
    assert_eq!(
        Tally::of(&tally.commits),
        1,
        "a dropped commit is no commit"
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_may_drop_any_step() {
    for layers in KINDS {
        for seed in 0..100 {
            server_drops(layers, seed).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_may_drop_any_step() {
    for layers in KINDS {
        for seed in 0..100 {
            let (near, far) = pair(64 * 1024);
            let (near, far) = (Choppy::new(near, 30, 30), Choppy::new(far, 9, 11));
            let server = serve(Stream::new(near, serving()), store(), Limits::default());
            let serving = tokio::spawn(server);
            let mut end = crate::toy::end(Stream::new(far, connecting()));
            let machine = Client::new(Limits::default());
            let script = Script::new(conversation(layers));
            let mut talking = Talking { machine, script };
            let dropped = careless(&mut talking, &mut end, Dice(seed)).await;
            end.close().await;
            let script = talking.script;
            assert!(dropped > 0);
            assert_eq!(script.heard, transcript(layers), "seed {seed}");
            assert_eq!(script.body, 100);
            serving.await.unwrap();
        }
    }
}
