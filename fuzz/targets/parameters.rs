//! libFuzzer over [`mailcore_fuzz::parameters`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::parameters::body(input));
