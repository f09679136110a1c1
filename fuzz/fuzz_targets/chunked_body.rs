//! libFuzzer's way into [`gorge_fuzz::chunked_body`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gorge_fuzz::chunked_body(data));
