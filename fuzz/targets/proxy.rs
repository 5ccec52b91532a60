//! libFuzzer over [`mailcore_fuzz::proxy`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::proxy::body(input));
