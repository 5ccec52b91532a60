//! libFuzzer over [`mailcore_fuzz::wire`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::wire::body(input));
