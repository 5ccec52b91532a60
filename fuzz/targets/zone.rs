//! libFuzzer over [`mailcore_fuzz::zone`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::zone::body(input));
