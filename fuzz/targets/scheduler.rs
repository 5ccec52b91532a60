//! libFuzzer over [`mailcore_fuzz::scheduler`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::scheduler::body(input));
