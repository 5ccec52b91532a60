//! What a login by SCRAM-SHA-256 costs a server that has the keys, and a client that has the password.

use criterion::{Criterion, criterion_group, criterion_main};
use mailcore::sasl::client::{self, Credentials, Exchange};
use mailcore::sasl::server::{self, Decoy, Found, Need, Step};
use mailcore::sasl::{Hash, Mechanism, Nonce, Offer, ScramCredential, Secret, USUAL_ITERATIONS};
use std::hint::black_box;

const MECHANISM: Mechanism = Mechanism::ScramSha256;

fn materials() -> server::Materials {
    let nonce = Nonce::from_random([0x51; 18]);
    server::Materials::new(Offer::NONE.with(MECHANISM), nonce, Decoy::new([3; 32]))
}

fn client() -> Exchange {
    let nonce = Nonce::from_random([0xC1; 18]);
    let materials = client::Materials::new(nonce, Offer::NONE.with(MECHANISM));
    let credentials = Credentials::password("tim", "tanstaaf");
    Exchange::start(MECHANISM, &credentials, materials).expect("fit credentials")
}

/// The server's side up to the client's proof; what it says first.
fn serve(first: &[u8], keys: &ScramCredential) -> server::Challenge {
    match server::start(MECHANISM, materials(), Some(first)) {
        Step::Need(Need::FetchKeys(need)) => match need.answer(Found::This(keys.clone())) {
            Step::Challenge(challenge) => challenge,
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    }
}

fn scram(c: &mut Criterion) {
    let secret = Secret::new("tanstaaf");
    let salt = b"sixteen octets..";
    let keys =
        ScramCredential::derive(Hash::Sha256, &secret, salt, USUAL_ITERATIONS).expect("ASCII");
    let mut exchange = client();
    let first = exchange.initial().expect("the client speaks first");
    let challenge = serve(&first, &keys).octets().to_vec();
    let proof = exchange.respond(&challenge).expect("a proof");

    let mut group = c.benchmark_group("SCRAM-SHA-256");
    group.bench_function("server, whole exchange", |b| {
        b.iter(|| serve(black_box(&first), &keys).respond(&proof));
    });
    group.bench_function("client, 4096 iterations", |b| {
        b.iter(|| {
            let mut exchange = client();
            exchange.initial();
            exchange.respond(black_box(&challenge))
        });
    });
    group.finish();
}

criterion_group!(benches, scram);
criterion_main!(benches);
