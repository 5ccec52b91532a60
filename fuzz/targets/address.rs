//! libFuzzer over [`mailcore_fuzz::address`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::address::body(input));
