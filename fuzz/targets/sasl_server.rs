//! libFuzzer over [`mailcore_fuzz::sasl_server`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::sasl_server::body(input));
