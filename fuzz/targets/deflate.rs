//! libFuzzer over [`mailcore_fuzz::deflate`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::deflate::body(input));
