//! libFuzzer over [`mailcore_fuzz::smtp`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::smtp::body(input));
