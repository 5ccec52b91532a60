//! TLS by rustls with the ring provider, given explicitly everywhere: this library never installs a
//! process-wide default.
//!
//! Each service has configurations of its own, and with them ticket keys of its own, so that a ticket of one
//! service is worthless on another. No TLS below 1.2, no renegotiation.

mod binding;
mod certificate;
pub mod client;
#[cfg(feature = "self-signed")]
mod self_signed;
mod service;

pub use certificate::{Certificate, TlsError};
#[cfg(feature = "self-signed")]
pub use self_signed::{SelfSigned, self_signed};
pub(super) use service::Served;
pub use service::{Options, Service, Sources, Version};

use mailcore_base::login::TlsFacts;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, CommonState, ProtocolVersion};
use std::sync::Arc;
use tokio_rustls::TlsStream;

/// Which side of a handshake a connection takes.
#[derive(Debug, Clone)]
pub enum Side {
    /// The server's, with a service's certificates.
    Serve(Arc<Service>),
    /// The client's, towards a server of that name.
    Connect(Arc<ClientConfig>, ServerName<'static>),
}

/// The provider of all cryptography: ring.
pub fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    static PROVIDER: std::sync::LazyLock<Arc<rustls::crypto::CryptoProvider>> =
        std::sync::LazyLock::new(|| Arc::new(rustls::crypto::ring::default_provider()));
    Arc::clone(&PROVIDER)
}

/// A client's configuration that trusts `roots` and nothing else.
///
/// # Errors
/// When a root cannot be read as a certificate.
pub fn trusting(
    roots: impl IntoIterator<Item = CertificateDer<'static>>,
) -> Result<ClientConfig, rustls::Error> {
    let mut store = rustls::RootCertStore::empty();
    for root in roots {
        store.add(root)?;
    }
    Ok(ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()?
        .with_root_certificates(store)
        .with_no_client_auth())
}

/// What is known of a layer that stands; `served` is the certificate that our side chose.
pub(super) fn facts<S>(tls: &TlsStream<S>, served: Option<&Served>) -> TlsFacts {
    let (_, state) = tls.get_ref();
    let mut facts = TlsFacts::default();
    facts.version = version(state).to_owned();
    if let Some(suite) = state.negotiated_cipher_suite() {
        let (name, bits) = cipher(suite.suite());
        facts.cipher = name;
        facts.bits = bits;
    }
    match tls {
        TlsStream::Server(tls) => {
            let session = tls.get_ref().1;
            facts.server_name = session.server_name().map(str::to_owned);
            facts.end_point = served.and_then(Served::end_point).map(<[u8]>::to_vec);
            facts.exporter = exporter(state, |out, label| {
                session.export_keying_material(out, label, Some(&[]))
            });
        }
        TlsStream::Client(tls) => {
            let session = tls.get_ref().1;
            facts.end_point = state
                .peer_certificates()
                .and_then(<[_]>::first)
                .and_then(|certificate| binding::end_point(certificate));
            facts.exporter = exporter(state, |out, label| {
                session.export_keying_material(out, label, Some(&[]))
            });
        }
    }
    facts
}

/// RFC 9266 §2: 32 octets, an empty context. Only for TLS 1.3: below it the binding is unique only with an
/// extended master secret (§3), of which rustls does not tell.
fn exporter(
    state: &CommonState,
    export: impl FnOnce([u8; 32], &[u8]) -> Result<[u8; 32], rustls::Error>,
) -> Option<Vec<u8>> {
    if state.protocol_version() != Some(ProtocolVersion::TLSv1_3) {
        return None;
    }
    export([0; 32], b"EXPORTER-Channel-Binding")
        .ok()
        .map(Vec::from)
}

fn version(state: &CommonState) -> &'static str {
    match state.protocol_version() {
        Some(ProtocolVersion::TLSv1_3) => "TLSv1.3",
        Some(ProtocolVersion::TLSv1_2) => "TLSv1.2",
        _ => "unknown",
    }
}

/// A cipher suite's name in OpenSSL's spelling and its strength in bits.
fn cipher(suite: rustls::CipherSuite) -> (String, u16) {
    use rustls::CipherSuite as Suite;
    let (name, bits) = match suite {
        Suite::TLS13_AES_256_GCM_SHA384 => ("TLS_AES_256_GCM_SHA384", 256),
        Suite::TLS13_AES_128_GCM_SHA256 => ("TLS_AES_128_GCM_SHA256", 128),
        Suite::TLS13_CHACHA20_POLY1305_SHA256 => ("TLS_CHACHA20_POLY1305_SHA256", 256),
        Suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => ("ECDHE-ECDSA-AES256-GCM-SHA384", 256),
        Suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => ("ECDHE-ECDSA-AES128-GCM-SHA256", 128),
        Suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => {
            ("ECDHE-ECDSA-CHACHA20-POLY1305", 256)
        }
        Suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => ("ECDHE-RSA-AES256-GCM-SHA384", 256),
        Suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => ("ECDHE-RSA-AES128-GCM-SHA256", 128),
        Suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => ("ECDHE-RSA-CHACHA20-POLY1305", 256),
        other => return (other.as_str().unwrap_or("unknown").to_owned(), 0),
    };
    (name.to_owned(), bits)
}
