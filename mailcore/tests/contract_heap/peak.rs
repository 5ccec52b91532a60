//! The most that is held at any moment, both ends of the connection together.

use crate::harness::{connecting, pair, serve, serving, talk};
use crate::toy::client::{Order, Script};
use crate::toy::desk::Store;
use crate::{HEAP, alone, run};
use mailcore::net::Stream;
use mailcore_base::wire::{Deflater, Layer, Limits};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const KIB: usize = 1024;

/// Octets at the peak above what was there before, while a client reads `length` octets at 1 KiB a
/// millisecond.
fn peak_of_a_slow_reader(layers: &[Layer], length: u64) -> usize {
    run(async {
        let (serving, connecting) = (serving(), connecting());
        let before = HEAP.current_usage();
        HEAP.reset_peak_usage();
        let (near, far) = pair(4 * KIB);
        let store = Store {
            bytes: Duration::from_micros(100),
            ..Store::default()
        };
        let server = tokio::spawn(serve(Stream::new(near, serving), store, Limits::default()));
        let mut orders: Vec<_> = layers.iter().map(|layer| Order::Layer(*layer)).collect();
        orders.push(Order::Say(format!("LONG {length}")));
        orders.push(Order::Say("QUIT".into()));
        let mut script = Script::new(orders);
        script.pace = Some((KIB, Duration::from_millis(1)));
        let script = talk(Stream::new(far, connecting), script).await;
        server.await.unwrap();
        assert_eq!(script.body, length);
        HEAP.peak_usage() - before
    })
}

#[test]
fn a_long_answer_to_a_slow_reader_costs_the_same_whatever_its_length() {
    let _alone = alone();
    for (layers, most) in [
        (&[][..], 200 * KIB),
        (&[Layer::Tls], 400 * KIB),
        // A compressor and a decompressor at work are most of it.
        (&[Layer::Deflate], 1100 * KIB),
        (&[Layer::Tls, Layer::Deflate], 1300 * KIB),
    ] {
        let short = peak_of_a_slow_reader(layers, 1 << 20);
        let long = peak_of_a_slow_reader(layers, 20 << 20);
        println!("{layers:?}: 1 MiB {short}, 20 MiB {long} octets at the peak, both ends");
        assert!(long < most, "{layers:?}: {long}");
        assert!(long < short + 128 * KIB, "{layers:?}: {short} {long}");
    }
}

#[test]
fn a_bomb_is_inflated_no_faster_than_it_is_read() {
    let _alone = alone();
    let (peak, taken) = run(async {
        let (near, mut far) = pair(4 * KIB);
        let store = Store {
            word: Duration::from_secs(3600),
            ..Store::default()
        };
        let server = tokio::spawn(serve(Stream::plain(near), store, Limits::default()));
        far.write_all(b"PACK\r\n").await.unwrap();
        far.read_exact(&mut [0; 14]).await.unwrap();
        let mut deflater = Deflater::new(9);
        let mut packed = vec![0; 512 * KIB];
        // 64 MiB in 160 KiB; the first word is being looked up all the while.
        let line = b"WORD bomb\r\n".repeat(6_000);
        let mut length = 0;
        for _ in 0..1_000 {
            let progress = deflater.deflate(&line, &mut packed[length..]);
            assert_eq!(progress.consumed, line.len());
            length += progress.produced;
        }
        length += deflater.flush(&mut packed[length..]);
        drop(deflater);
        let before = HEAP.current_usage();
        HEAP.reset_peak_usage();
        let mut taken = 0;
        let give = async {
            while taken < length {
                taken += far.write(&packed[taken..length]).await.unwrap();
            }
        };
        let _ = tokio::time::timeout(Duration::from_secs(60), give).await;
        let peak = HEAP.peak_usage() - before;
        server.abort();
        (peak, taken)
    });
    println!("{taken} compressed octets taken of a bomb, {peak} octets at the peak");
    assert!(taken < 16 * KIB);
    // Most of it is our compressor, which says every ten seconds that the work goes on.
    assert!(peak < 600 * KIB);
}
