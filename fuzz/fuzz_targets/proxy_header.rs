//! libFuzzer's way into [`gorge_fuzz::proxy_header`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gorge_fuzz::proxy_header(data));
