//! What the crates `openssl` and `openssl-sys` do not bind, of both libraries.

use std::ffi::{c_int, c_uint, c_void};
use std::net::IpAddr;

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::pkey::{PKeyRef, Private};
use openssl::ssl::{SslCipherRef, SslContextBuilder, SslRef};
use openssl::x509::store::{X509Store, X509StoreRef};
use openssl::x509::{X509NameEntryRef, X509Ref};
use openssl_sys as sys;

/// Asked for a ticket key: name and IV (16 bytes each) are read or filled, cipher and MAC set up.
/// `encrypt` is 1 for a new ticket. Returns 1 for done, 0 for a key not known, 2 for done and renew,
/// below 0 for an error.
pub(crate) type TicketKeyCallback = unsafe extern "C" fn(
    *mut sys::SSL,
    *mut u8,
    *mut u8,
    *mut sys::EVP_CIPHER_CTX,
    *mut sys::HMAC_CTX,
    c_int,
) -> c_int;

/// Asked for the certificate: 1 goes on, 0 fails, below 0 suspends the handshake.
pub(crate) type CertificateCallback = unsafe extern "C" fn(*mut sys::SSL, *mut c_void) -> c_int;

#[cfg(not(boringssl))]
unsafe extern "C" {
    // <openssl/ssl.h>: void SSL_CTX_set_cert_cb(SSL_CTX *c, int (*cb)(SSL *ssl, void *arg), void *arg);
    fn SSL_CTX_set_cert_cb(context: *mut sys::SSL_CTX, callback: CertificateCallback, argument: *mut c_void);
    // <openssl/ssl.h>: __owur long SSL_CTX_set_timeout(SSL_CTX *ctx, long t);
    fn SSL_CTX_set_timeout(context: *mut sys::SSL_CTX, seconds: std::ffi::c_long) -> std::ffi::c_long;
    // <openssl/x509_vfy.h>: int X509_STORE_up_ref(X509_STORE *xs);
    fn X509_STORE_up_ref(store: *mut sys::X509_STORE) -> c_int;
    // <openssl/ssl.h>: void SSL_set_shutdown(SSL *ssl, int mode);
    fn SSL_set_shutdown(ssl: *mut sys::SSL, mode: c_int);
    // <openssl/ssl.h>: void SSL_certs_clear(SSL *s);
    fn SSL_certs_clear(ssl: *mut sys::SSL);
    // <openssl/ssl.h>: __owur int SSL_use_cert_and_key(SSL *ssl, X509 *x509, EVP_PKEY *privatekey,
    //                                                  STACK_OF(X509) *chain, int override);
    fn SSL_use_cert_and_key(
        ssl: *mut sys::SSL,
        certificate: *mut sys::X509,
        key: *mut sys::EVP_PKEY,
        chain: *mut sys::stack_st_X509,
        replace: c_int,
    ) -> c_int;
    // <openssl/ssl.h>: __owur int SSL_CTX_use_cert_and_key(SSL_CTX *ctx, X509 *x509, EVP_PKEY *privatekey,
    //                                                      STACK_OF(X509) *chain, int override);
    fn SSL_CTX_use_cert_and_key(
        context: *mut sys::SSL_CTX,
        certificate: *mut sys::X509,
        key: *mut sys::EVP_PKEY,
        chain: *mut sys::stack_st_X509,
        replace: c_int,
    ) -> c_int;
    // <openssl/x509.h>: int X509_NAME_ENTRY_set(const X509_NAME_ENTRY *ne);
    fn X509_NAME_ENTRY_set(entry: *const sys::X509_NAME_ENTRY) -> c_int;
    // <openssl/crypto.h>: void OPENSSL_cleanse(void *ptr, size_t len);
    fn OPENSSL_cleanse(bytes: *mut c_void, length: usize);
}
#[cfg(boringssl)]
use sys::{OPENSSL_cleanse, X509_NAME_ENTRY_set};

/// <openssl/ssl.h>: # define SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB 72
#[cfg(not(boringssl))]
const SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB: c_int = 72;
/// <openssl/ssl.h>: # define SSL_CTRL_GET_NEGOTIATED_GROUP 134
#[cfg(not(boringssl))]
const SSL_CTRL_GET_NEGOTIATED_GROUP: c_int = 134;

/// Lets `callback` name and set up the keys of session tickets.
pub(crate) fn set_ticket_key_callback(context: &mut SslContextBuilder, callback: TicketKeyCallback) {
    #[cfg(not(boringssl))]
    // SAFETY: the control stores a function of this type, whatever the signature of the setter says; the
    // call through it happens with the type it was made from.
    unsafe {
        let callback = std::mem::transmute::<TicketKeyCallback, unsafe extern "C" fn()>(callback);
        let set = SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB;
        sys::SSL_CTX_callback_ctrl__fixed_rust(context.as_ptr(), set, Some(callback));
    }
    #[cfg(boringssl)]
    // SAFETY: the context is alive, the callback a function.
    unsafe {
        sys::SSL_CTX_set_tlsext_ticket_key_cb(context.as_ptr(), Some(callback));
    }
}

/// Lets `callback` choose the certificate of each handshake.
pub(crate) fn set_certificate_callback(context: &mut SslContextBuilder, callback: CertificateCallback) {
    // SAFETY: the context is alive, the callback a function that makes no use of its argument.
    unsafe {
        #[cfg(not(boringssl))]
        SSL_CTX_set_cert_cb(context.as_ptr(), callback, std::ptr::null_mut());
        #[cfg(boringssl)]
        sys::SSL_CTX_set_cert_cb(context.as_ptr(), Some(callback), std::ptr::null_mut());
    }
}

/// How long a session can be resumed.
pub(crate) fn set_session_lifetime(context: &mut SslContextBuilder, seconds: u32) {
    // SAFETY: the context is alive.
    unsafe {
        #[cfg(not(boringssl))]
        SSL_CTX_set_timeout(context.as_ptr(), seconds.into());
        #[cfg(boringssl)]
        {
            sys::SSL_CTX_set_timeout(context.as_ptr(), seconds);
            // That was for TLS 1.2.
            sys::SSL_CTX_set_session_psk_dhe_timeout(context.as_ptr(), seconds);
        }
    }
}

/// The number that the standards have for the group of the key exchange.
pub(crate) fn group(ssl: &SslRef) -> Option<u16> {
    #[cfg(not(boringssl))]
    {
        /// Stands before the number of a group that has no NID.
        const NO_NID: std::ffi::c_long = 0x100_0000;
        // SAFETY: the connection is alive, the control reads a number.
        let group =
            unsafe { sys::SSL_ctrl(ssl.as_ptr(), SSL_CTRL_GET_NEGOTIATED_GROUP, 0, std::ptr::null_mut()) };
        match group {
            // NID_X9_62_prime256v1, NID_secp384r1, NID_secp521r1, NID_X25519, NID_X448, NID_ffdhe2048 and
            // NID_ffdhe3072 of <openssl/obj_mac.h>.
            415 => Some(23),
            715 => Some(24),
            716 => Some(25),
            1034 => Some(29),
            1035 => Some(30),
            1126 => Some(256),
            1127 => Some(257),
            other if other & NO_NID != 0 => u16::try_from(other & !NO_NID).ok(),
            _ => None,
        }
    }
    #[cfg(boringssl)]
    {
        // SAFETY: the connection is alive.
        let group = unsafe { sys::SSL_get_group_id(ssl.as_ptr()) };
        (group != 0).then_some(group)
    }
}

/// The name that the standards have for a cipher suite.
pub(crate) fn cipher_name(cipher: &SslCipherRef) -> Option<&'static str> {
    // SAFETY: the cipher is the library's own, and so is the name: both live as long as the program.
    unsafe {
        let name = sys::SSL_CIPHER_standard_name(cipher.as_ptr());
        if name.is_null() { None } else { std::ffi::CStr::from_ptr(name).to_str().ok() }
    }
}

/// To which part of its name an entry belongs: those of one part are joined by `+` (RFC 4514 2.2).
pub(crate) fn name_part(entry: &X509NameEntryRef) -> c_int {
    // SAFETY: the entry is alive.
    unsafe { X509_NAME_ENTRY_set(entry.as_ptr()) }
}

/// Overwrites a secret, in a way that no compiler leaves out.
pub(crate) fn wipe(bytes: &mut [u8]) {
    // SAFETY: the bytes are borrowed for writing.
    unsafe { OPENSSL_cleanse(bytes.as_mut_ptr().cast(), bytes.len()) }
}

/// Takes the certificates off that the connection would show.
pub(crate) fn clear_certificates(ssl: &SslRef) {
    // SAFETY: the connection is alive; only called on the server's side, before a certificate is chosen.
    unsafe {
        #[cfg(not(boringssl))]
        SSL_certs_clear(ssl.as_ptr());
        #[cfg(boringssl)]
        sys::SSL_certs_clear(ssl.as_ptr());
    }
}

/// Lets the session be resumed although its connection is dropped without ceremony: OpenSSL would spoil it.
pub(crate) fn keep_session(ssl: &SslRef) {
    #[cfg(not(boringssl))]
    // SAFETY: the connection is alive; this only marks both directions as closed (SSL_SENT_SHUTDOWN = 1,
    // SSL_RECEIVED_SHUTDOWN = 2).
    unsafe {
        SSL_set_shutdown(ssl.as_ptr(), 3);
    }
    #[cfg(boringssl)]
    let _ = ssl;
}

/// Shows a certificate, in place of one with a key of the same kind. `chain` has the leaf first.
#[cfg(not(boringssl))]
pub(crate) fn show_in_context(
    context: &mut SslContextBuilder,
    chain: &[openssl::x509::X509],
    key: &PKeyRef<Private>,
) -> Result<(), ErrorStack> {
    let Some((leaf, above)) = chain.split_first() else { return Err(ErrorStack::get()) };
    let none = std::ptr::null_mut();
    // SAFETY: all are alive, and the library counts references of what it keeps.
    check(unsafe { SSL_CTX_use_cert_and_key(context.as_ptr(), leaf.as_ptr(), key.as_ptr(), none, 1) })?;
    // <openssl/ssl.h>: # define SSL_CTX_add1_chain_cert(ctx,x509)
    //     SSL_CTX_ctrl(ctx,SSL_CTRL_CHAIN_CERT,1,(char *)(x509))
    let add = |one: &X509Ref| {
        let one = one.as_ptr().cast();
        // SAFETY: both are alive, and 1 makes the library count a reference of the certificate.
        let done = unsafe { sys::SSL_CTX_ctrl(context.as_ptr(), sys::SSL_CTRL_CHAIN_CERT, 1, one) };
        check(c_int::from(done == 1))
    };
    above.iter().try_for_each(|one| add(one))
}

/// The same for one connection.
#[cfg(not(boringssl))]
pub(crate) fn show(
    ssl: &SslRef,
    chain: &[openssl::x509::X509],
    key: &PKeyRef<Private>,
) -> Result<(), ErrorStack> {
    let Some((leaf, above)) = chain.split_first() else { return Err(ErrorStack::get()) };
    let none = std::ptr::null_mut();
    // SAFETY: all are alive, and the library counts references of what it keeps.
    check(unsafe { SSL_use_cert_and_key(ssl.as_ptr(), leaf.as_ptr(), key.as_ptr(), none, 1) })?;
    // <openssl/ssl.h>: # define SSL_add1_chain_cert(s,x509)
    //     SSL_ctrl(s,SSL_CTRL_CHAIN_CERT,1,(char *)(x509))
    let add = |one: &X509Ref| {
        let one = one.as_ptr().cast();
        // SAFETY: both are alive, and 1 makes the library count a reference of the certificate.
        let done = unsafe { sys::SSL_ctrl(ssl.as_ptr(), sys::SSL_CTRL_CHAIN_CERT, 1, one) };
        check(c_int::from(done == 1))
    };
    above.iter().try_for_each(|one| add(one))
}

/// Most calls return 1 when they have done what was asked.
fn check(done: c_int) -> Result<(), ErrorStack> {
    if done == 1 { Ok(()) } else { Err(ErrorStack::get()) }
}

/// A certificate with its chain, its key and an OCSP response, as BoringSSL has it.
#[cfg(boringssl)]
pub(crate) struct Credential(*mut sys::SSL_CREDENTIAL);

// SAFETY: nothing changes a credential once it is made, and its references are counted atomically.
#[cfg(boringssl)]
unsafe impl Send for Credential {}
// SAFETY: as above.
#[cfg(boringssl)]
unsafe impl Sync for Credential {}

#[cfg(boringssl)]
impl Drop for Credential {
    fn drop(&mut self) {
        // SAFETY: made by the library, owned here, and freed once; null is allowed.
        unsafe { sys::SSL_CREDENTIAL_free(self.0) }
    }
}

#[cfg(boringssl)]
impl Credential {
    /// `chain` is in DER, the leaf first.
    pub(crate) fn new(
        chain: &[Vec<u8>],
        key: &PKeyRef<Private>,
        ocsp: Option<&[u8]>,
    ) -> Result<Self, ErrorStack> {
        /// Freed when it goes out of scope.
        struct Buffer(*mut sys::CRYPTO_BUFFER);
        impl Drop for Buffer {
            fn drop(&mut self) {
                // SAFETY: as for the credential.
                unsafe { sys::CRYPTO_BUFFER_free(self.0) }
            }
        }
        let buffer = |der: &[u8]| {
            // SAFETY: the bytes are copied.
            Buffer(unsafe { sys::CRYPTO_BUFFER_new(der.as_ptr(), der.len(), std::ptr::null_mut()) })
        };
        let buffers: Vec<_> = chain.iter().map(|der| buffer(der)).collect();
        let pointers: Vec<_> = buffers.iter().map(|buffer| buffer.0).collect();
        // SAFETY: takes nothing.
        let made = Self(unsafe { sys::SSL_CREDENTIAL_new_x509() });
        if made.0.is_null() || pointers.iter().any(|pointer| pointer.is_null()) {
            return Err(ErrorStack::get());
        }
        // SAFETY: all are alive; `set1` counts references of what it keeps.
        unsafe {
            check(sys::SSL_CREDENTIAL_set1_cert_chain(made.0, pointers.as_ptr(), pointers.len()))?;
            check(sys::SSL_CREDENTIAL_set1_private_key(made.0, key.as_ptr()))?;
            if let Some(ocsp) = ocsp {
                check(sys::SSL_CREDENTIAL_set1_ocsp_response(made.0, buffer(ocsp).0))?;
            }
        }
        Ok(made)
    }

    /// Shows it, if those that were added before do not suit the client.
    pub(crate) fn show_in_context(&self, context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
        // SAFETY: both are alive, and the library counts a reference.
        check(unsafe { sys::SSL_CTX_add1_credential(context.as_ptr(), self.0) })
    }

    /// The same for one connection.
    pub(crate) fn show(&self, ssl: &SslRef) -> Result<(), ErrorStack> {
        // SAFETY: both are alive, and the library counts a reference.
        check(unsafe { sys::SSL_add1_credential(ssl.as_ptr(), self.0) })
    }
}

/// The same certificates to trust once more: contexts take theirs whole.
pub(crate) fn share_store(store: &X509StoreRef) -> X509Store {
    // SAFETY: the store is alive; the reference that is counted here is freed with what is returned.
    unsafe {
        #[cfg(not(boringssl))]
        X509_STORE_up_ref(store.as_ptr());
        #[cfg(boringssl)]
        sys::X509_STORE_up_ref(store.as_ptr());
        X509Store::from_ptr(store.as_ptr())
    }
}

// <openssl/x509v3.h>, <openssl/x509.h>: # define X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS 0x4 (0 in BoringSSL, which
// knows no others) and # define X509_CHECK_FLAG_NEVER_CHECK_SUBJECT 0x20
#[cfg(not(boringssl))]
const CHECK_FLAGS: c_uint = 0x4 | 0x20;
#[cfg(boringssl)]
const CHECK_FLAGS: c_uint = 0x20;

/// Whether this host name is among the certificate's subject alternative names; `*.` stands for one label.
pub(crate) fn is_for_name(certificate: &X509Ref, name: &str) -> bool {
    // SAFETY: the certificate is alive, the name is of this length, and nothing is to be returned through null.
    let found = unsafe {
        let none = std::ptr::null_mut();
        sys::X509_check_host(certificate.as_ptr(), name.as_ptr().cast(), name.len(), CHECK_FLAGS, none)
    };
    found == 1
}

/// Whether this address is among the certificate's subject alternative names.
pub(crate) fn is_for_address(certificate: &X509Ref, address: IpAddr) -> bool {
    let check = |bytes: &[u8]| {
        // SAFETY: the certificate is alive, the address is of this length.
        unsafe { sys::X509_check_ip(certificate.as_ptr(), bytes.as_ptr(), bytes.len(), CHECK_FLAGS) }
    };
    let found = match address {
        IpAddr::V4(address) => check(&address.octets()),
        IpAddr::V6(address) => check(&address.octets()),
    };
    found == 1
}

/// Signatures that the other side's key may make, the preferred first (RFC 8446 4.2.3): those that OpenSSL
/// takes. BoringSSL by itself leaves Ed25519 and P-521 out, and SHA-1 in.
#[cfg(boringssl)]
pub(crate) fn set_signatures_taken(context: &mut SslContextBuilder) -> Result<(), ErrorStack> {
    // ECDSA over P-256, P-384 and P-521, Ed25519, RSA-PSS and RSA with PKCS #1, each with SHA-256 to SHA-512.
    const TAKEN: [u16; 10] = [0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601];
    // SAFETY: the context is alive, and the numbers are copied.
    match unsafe { sys::SSL_CTX_set_verify_algorithm_prefs(context.as_ptr(), TAKEN.as_ptr(), TAKEN.len()) } {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}
