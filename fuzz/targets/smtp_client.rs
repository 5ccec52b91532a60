//! libFuzzer over [`mailcore_fuzz::smtp_client`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::smtp_client::body(input));
