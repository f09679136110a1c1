//! Tells openssl-sys which parts of OpenSSL this BoringSSL lacks.

/// What BoringSSL's `include/openssl/opensslconf.h` defines, each behind `OPENSSL_NO_`.
const ABSENT: &[&str] = &[
    "ASYNC",
    "BF",
    "BLAKE2",
    "BUF_FREELISTS",
    "CAMELLIA",
    "CAPIENG",
    "CAST",
    "CMS",
    "COMP",
    "CT",
    "DANE",
    "DEPRECATED",
    "DGRAM",
    "DYNAMIC_ENGINE",
    "EC2M",
    "EC_NISTP_64_GCC_128",
    "EGD",
    "ENGINE",
    "GMP",
    "GOST",
    "HEARTBEATS",
    "HW",
    "IDEA",
    "JPAKE",
    "KRB5",
    "MD2",
    "MDC2",
    "OCB",
    "OCSP",
    "RC2",
    "RC4",
    "RC5",
    "RFC3779",
    "RIPEMD",
    "RMD160",
    "SCTP",
    "SEED",
    "SM2",
    "SM3",
    "SM4",
    "SRP",
    "SSL2",
    "SSL3",
    "SSL3_METHOD",
    "SSL_TRACE",
    "STATIC_ENGINE",
    "STORE",
    "UI_CONSOLE",
    "WHIRLPOOL",
];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let absent: Vec<_> = ABSENT.iter().map(|part| format!("OPENSSL_NO_{part}")).collect();
    // openssl-sys reads it as DEP_BSSL_CONF and hands it on.
    println!("cargo:conf={}", absent.join(","));
}
