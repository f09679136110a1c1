def seen(connection, name=None):
    """One end of a TLS connection, as the struct TlsSeen of Rust reads it."""
    certificate = connection.getpeercert(True)
    # Empty where there is none, and where it was not verified.
    decoded = connection.getpeercert() or {}
    short = {'commonName': 'CN', 'organizationName': 'O'}
    parts = [pair for group in decoded.get('subject', ()) for pair in group]
    return {
        'version': connection.version(),
        'cipher': connection.cipher()[0],
        'alpn': connection.selected_alpn_protocol(),
        'name': name,
        'resumed': connection.session_reused,
        'subject': ','.join('%s=%s' % (short.get(key, key), value) for key, value in parts) or None,
        'certificate': certificate.hex() if certificate else None,
    }


def limited(context, options):
    """The settings that a server and a client have in common."""
    context.minimum_version = ssl.TLSVersion[options['min']]
    context.maximum_version = ssl.TLSVersion[options['max']]
    if options['ciphers']:
        context.set_ciphers(options['ciphers'])
    if options['alpn']:
        context.set_alpn_protocols(options['alpn'])
    if options['ca']:
        context.load_verify_locations(options['ca'])
    if options['cert']:
        context.load_cert_chain(options['cert'], options['key'])
