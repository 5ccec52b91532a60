//! libFuzzer over [`mailcore_fuzz::search`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::search::body(input));
