//! libFuzzer's way into [`gorge_fuzz::response_head`].
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| gorge_fuzz::response_head(data));
