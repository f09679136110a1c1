#![doc = include_str!("../README.md")]
#![allow(non_camel_case_types, non_snake_case)]

use std::ffi::c_int;

pub use boring_sys::*;

/// A library's number, as `boring-sys` has it in a type of its own and `openssl` wants it plain.
macro_rules! library {
    ($($name:ident)+) => { $(
        #[doc = concat!("`", stringify!($name), "` of `<openssl/err.h>`.")]
        pub const $name: c_int = boring_sys::$name.0 as c_int;
    )+ };
}

library!(ERR_LIB_ASN1 ERR_LIB_NONE ERR_LIB_PEM ERR_LIB_SSL ERR_LIB_USER ERR_LIB_X509);

// `<openssl/kdf.h>`, which `boring-sys` does not read.
unsafe extern "C" {
    /// Line 58 of the header.
    pub fn EVP_PKEY_CTX_set_hkdf_md(ctx: *mut EVP_PKEY_CTX, md: *const EVP_MD) -> c_int;
    /// Line 69 of the header.
    pub fn EVP_PKEY_CTX_set1_hkdf_key(ctx: *mut EVP_PKEY_CTX, key: *const u8, len: usize) -> c_int;
    /// Line 76 of the header.
    pub fn EVP_PKEY_CTX_set1_hkdf_salt(ctx: *mut EVP_PKEY_CTX, salt: *const u8, len: usize) -> c_int;
    /// Line 83 of the header.
    pub fn EVP_PKEY_CTX_add1_hkdf_info(ctx: *mut EVP_PKEY_CTX, info: *const u8, len: usize) -> c_int;
}
