//! libFuzzer over [`mailcore_fuzz::auth_socket`].
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| mailcore_fuzz::auth_socket::body(input));
