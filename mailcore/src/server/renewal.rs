//! Certificates that are renewed while the server runs: looks at their files now and then, so that nobody has to tell it.
//! What is wrong with a file is said once, and what was served before goes on.

use crate::net::tls::Service;
use crate::shutdown::Shutdown;
use std::sync::Arc;
use std::time::Duration;

/// How often the files are looked at; a look costs a `stat` for each.
const EVERY: Duration = Duration::from_secs(10);

/// Looks until the server goes down.
pub(super) async fn watch(services: Vec<Arc<Service>>, shutdown: Shutdown) {
    let services = Arc::new(services);
    if services.is_empty() {
        return;
    }
    loop {
        tokio::select! {
            () = shutdown.requested() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
        let all = Arc::clone(&services);
        // A look that panics has said so itself, and the next one comes.
        let _ = tokio::task::spawn_blocking(move || all.iter().for_each(|one| look(one))).await;
    }
}

fn look(service: &Service) {
    match service.refresh() {
        Ok(true) => tracing::info!("certificates have changed and were read again"),
        Ok(false) => {}
        Err(error) => tracing::error!("certificates stay as they were: {error}"),
    }
}
