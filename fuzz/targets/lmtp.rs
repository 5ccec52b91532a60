//! libFuzzer over [`mailcore_fuzz::lmtp`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::lmtp::body(input));
