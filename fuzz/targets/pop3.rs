//! libFuzzer over [`mailcore_fuzz::pop3`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::pop3::body(input));
