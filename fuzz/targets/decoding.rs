//! libFuzzer over [`mailcore_fuzz::decoding`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::decoding::body(input));
