options = json.loads(sys.argv[1])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.check_hostname = bool(options['ca'] and options['name'])
if not options['ca']:
    context.verify_mode = ssl.CERT_NONE
limited(context, options)


def visit(session):
    """Connects, sends the request and reads until the end; the session to resume comes back with the report."""
    plain = socket.create_connection((options['host'], options['port']), timeout=10)
    connection = context.wrap_socket(
        plain, server_hostname=options['name'], session=session, suppress_ragged_eofs=False)
    answer, clean = b'', True
    with connection:
        # Now, for nothing is known of a connection that broke.
        report = seen(connection)
        connection.sendall(options['request'].encode('latin-1'))
        try:
            while block := connection.recv(65536):
                answer += block
        except (ssl.SSLEOFError, ConnectionResetError):
            clean = False
        session = connection.session
    return session, dict(report, answer=answer.decode('latin-1'), clean=clean)


try:
    session, reports = None, []
    for _ in range(options['visits']):
        session, report = visit(session)
        reports.append(report)
except OSError as e:
    sys.exit(str(e))
print(json.dumps(reports))
