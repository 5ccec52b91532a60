//! libFuzzer over [`mailcore_fuzz::order`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::order::body(input));
