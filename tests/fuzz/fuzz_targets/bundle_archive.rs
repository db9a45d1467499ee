//! Any bytes, as the archive of a bundle.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| conduct_bundle::fuzz::archive(bytes));
