//! What is asked of single destinations: TLS, and as whom we log in there.

use crate::deliver::hosts::NextHop;
use crate::net::connect::Target;
use crate::net::smtp_client::Login;
use crate::net::tls::client::Policy;
use async_trait::async_trait;
use mailcore_base::address::ReversePath;
use mailcore_store::Result;
use std::fmt::Debug;

/// What is asked of single destinations. A look-up that fails defers the mail: it never goes with less than what is
/// asked for.
#[async_trait]
pub trait Demands: Send + Sync + Debug {
    /// The TLS that is asked of the servers for `nexthop`; the usual where nothing is known of it.
    ///
    /// # Errors
    /// When that cannot be told for now.
    async fn tls(&self, nexthop: &NextHop) -> Result<Option<Policy>>;

    /// As whom we log in at `target`, on the way to `nexthop` with mail of `sender`; not at all where nothing is known.
    /// A server that offers no login gets the mail without one, as from Postfix; ask for TLS where nobody is to make it
    /// seem so.
    ///
    /// # Errors
    /// When that cannot be told for now.
    async fn login(
        &self,
        nexthop: &NextHop,
        target: &Target,
        sender: &ReversePath,
    ) -> Result<Option<Login>>;
}

/// Nothing is known of any destination.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NoDemands;

#[async_trait]
impl Demands for NoDemands {
    async fn tls(&self, _: &NextHop) -> Result<Option<Policy>> {
        Ok(None)
    }

    async fn login(&self, _: &NextHop, _: &Target, _: &ReversePath) -> Result<Option<Login>> {
        Ok(None)
    }
}

/// One relay host that takes a login; nothing is known of any other destination.
#[derive(Debug, Clone)]
pub struct Smarthost {
    /// The next hop that it is.
    pub nexthop: NextHop,
    /// The TLS that is asked of it; the usual where nothing is said.
    pub tls: Option<Policy>,
    /// As whom we log in there.
    pub login: Option<Login>,
}

#[async_trait]
impl Demands for Smarthost {
    async fn tls(&self, nexthop: &NextHop) -> Result<Option<Policy>> {
        let here = *nexthop == self.nexthop;
        Ok(self.tls.clone().filter(|_| here))
    }

    async fn login(&self, nexthop: &NextHop, _: &Target, _: &ReversePath) -> Result<Option<Login>> {
        let here = *nexthop == self.nexthop;
        Ok(self.login.clone().filter(|_| here))
    }
}
