//! libFuzzer over [`mailcore_fuzz::header`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::header::body(input));
