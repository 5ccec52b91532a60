//! libFuzzer over [`mailcore_fuzz::aliases`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::aliases::body(input));
