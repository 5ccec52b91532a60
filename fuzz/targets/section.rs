//! libFuzzer over [`mailcore_fuzz::section`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::section::body(input));
