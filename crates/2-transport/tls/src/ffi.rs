//! What the crates `openssl` and `openssl-sys` do not bind, of both libraries.

use std::ffi::{c_int, c_uint, c_void};
use std::net::IpAddr;

use foreign_types::{ForeignType, ForeignTypeRef};
use openssl::error::ErrorStack;
use openssl::ssl::{SslContext, SslContextBuilder, SslRef};
use openssl::x509::X509Ref;
use openssl::x509::store::{X509Store, X509StoreRef};
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
}

/// <openssl/ssl.h>: # define SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB 72
#[cfg(not(boringssl))]
const SSL_CTRL_SET_TLSEXT_TICKET_KEY_CB: c_int = 72;

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
        sys::SSL_CTX_set_timeout(context.as_ptr(), seconds);
    }
}

/// Takes the certificate and the settings that belong to it from another context.
///
/// # Errors
/// What the library reports.
///
/// # Safety
/// `ssl` is alive.
pub(crate) unsafe fn switch_context(ssl: *mut sys::SSL, context: &SslContext) -> bool {
    // SAFETY: both are alive, and the library counts a reference of the context.
    unsafe { !sys::SSL_set_SSL_CTX(ssl, context.as_ptr()).is_null() }
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

/// The chain that goes with the certificate that was set last.
#[cfg(not(boringssl))]
pub(crate) fn add_chain_certificate(
    context: &mut SslContextBuilder,
    certificate: &X509Ref,
) -> Result<(), ErrorStack> {
    // <openssl/ssl.h>: # define SSL_CTX_add1_chain_cert(ctx,x509)
    //     SSL_CTX_ctrl(ctx,SSL_CTRL_CHAIN_CERT,1,(char *)(x509))
    // SAFETY: both are alive, and 1 makes the library count a reference of the certificate.
    let done = unsafe {
        sys::SSL_CTX_ctrl(context.as_ptr(), sys::SSL_CTRL_CHAIN_CERT, 1, certificate.as_ptr().cast())
    };
    if done == 1 { Ok(()) } else { Err(ErrorStack::get()) }
}

/// Adds a certificate with its chain and key beside those that are there. `chain` is in DER, leaf first.
#[cfg(boringssl)]
pub(crate) fn add_credential(
    context: &mut SslContextBuilder,
    chain: &[Vec<u8>],
    key: &openssl::pkey::PKeyRef<openssl::pkey::Private>,
    ocsp: Option<&[u8]>,
) -> Result<(), ErrorStack> {
    /// Frees what was made when it goes out of scope.
    struct Owned<T>(*mut T, unsafe extern "C" fn(*mut T));
    impl<T> Drop for Owned<T> {
        fn drop(&mut self) {
            // SAFETY: made by the library, owned here, and freed once; null is allowed.
            unsafe { (self.1)(self.0) }
        }
    }
    let check = |done: c_int| if done == 1 { Ok(()) } else { Err(ErrorStack::get()) };
    let buffer = |der: &[u8]| {
        // SAFETY: the bytes are copied.
        let made = unsafe { sys::CRYPTO_BUFFER_new(der.as_ptr(), der.len(), std::ptr::null_mut()) };
        Owned(made, sys::CRYPTO_BUFFER_free)
    };
    let buffers: Vec<_> = chain.iter().map(|der| buffer(der)).collect();
    let pointers: Vec<_> = buffers.iter().map(|buffer| buffer.0).collect();
    // SAFETY: takes nothing.
    let credential = Owned(unsafe { sys::SSL_CREDENTIAL_new_x509() }, sys::SSL_CREDENTIAL_free);
    if credential.0.is_null() || pointers.iter().any(|pointer| pointer.is_null()) {
        return Err(ErrorStack::get());
    }
    // SAFETY: all are alive; `set1` and `add1` count references of what they keep.
    unsafe {
        check(sys::SSL_CREDENTIAL_set1_cert_chain(credential.0, pointers.as_ptr(), pointers.len()))?;
        check(sys::SSL_CREDENTIAL_set1_private_key(credential.0, key.as_ptr()))?;
        if let Some(ocsp) = ocsp {
            check(sys::SSL_CREDENTIAL_set1_ocsp_response(credential.0, buffer(ocsp).0))?;
        }
        check(sys::SSL_CTX_add1_credential(context.as_ptr(), credential.0))
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
    const TAKEN: [u16; 10] =
        [0x0403, 0x0503, 0x0603, 0x0807, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601];
    // SAFETY: the context is alive, and the numbers are copied.
    match unsafe { sys::SSL_CTX_set_verify_algorithm_prefs(context.as_ptr(), TAKEN.as_ptr(), TAKEN.len()) } {
        1 => Ok(()),
        _ => Err(ErrorStack::get()),
    }
}
