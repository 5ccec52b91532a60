//! The whole server on loopback, used by real clients. Each test starts its own server on free ports with its own
//! data folder, and ends only that.

#![allow(clippy::unwrap_used)]

mod bounds;
mod clients;
mod corpus;
mod curl;
mod extensions;
mod fetchmail;
mod first_run;
#[allow(dead_code, reason = "a part of what the other tests use")]
mod harm;
mod idle;
mod idle_beside;
mod mbsync;
mod metrics;
mod msmtp;
mod mutt;
mod openssl;
mod python;
mod qresync;
mod raw;
mod referral;
mod relay;
mod server;
mod swaks;
mod terminal;
