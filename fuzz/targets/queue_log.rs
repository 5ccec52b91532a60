//! libFuzzer over [`mailcore_fuzz::queue_log`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::queue_log::body(input));
