//! libFuzzer over [`mailcore_fuzz::reply`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::reply::body(input));
