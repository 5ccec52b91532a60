//! libFuzzer over [`mailcore_fuzz::sasl_client`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::sasl_client::body(input));
