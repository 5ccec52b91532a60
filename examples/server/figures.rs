//! `--metrics`: where figures are told.

use crate::first_run::Unusable;
use mailcore::metrics::Metrics;
use mailcore::net::scrape;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Takes the port; what is returned serves it. Says so where others than this host may read it.
pub async fn bind(
    address: SocketAddr,
    metrics: Arc<Metrics>,
) -> Result<impl Future<Output = ()> + Send + 'static, Unusable> {
    let listener = TcpListener::bind(address)
        .await
        .map_err(|e| Unusable(format!("--metrics {address}: {e}")))?;
    if !address.ip().is_loopback() {
        tracing::warn!("whoever reaches {address} may read the figures");
    }
    Ok(scrape::serve(listener, metrics))
}
