options = json.loads(sys.argv[1])
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
limited(context, options)
if options['ca']:
    context.verify_mode = ssl.CERT_REQUIRED if options['required'] else ssl.CERT_OPTIONAL


def on_name(connection, name, context):
    connection.name = name


context.sni_callback = on_name


class Report(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        body = json.dumps(seen(self.connection, getattr(self.connection, 'name', None))).encode()
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        self.do_GET()

    def log_message(self, *arguments):
        pass


class Server(http.server.ThreadingHTTPServer):
    def finish_request(self, request, client_address):
        # On the connection's own thread, so that a slow handshake holds up nobody.
        try:
            request = context.wrap_socket(request, server_side=True)
        except OSError as e:
            print('handshake failed: %s' % e, flush=True)
            return
        with request:
            super().finish_request(request, client_address)
            try:
                request.unwrap()
            except (OSError, ValueError):
                # The peer is gone, or the handler has shut the connection down itself.
                pass

    def handle_error(self, request, client_address):
        print('failed: %r' % sys.exc_info()[1], flush=True)


server = Server(('127.0.0.1', 0), Handler if options['script'] else Report)
print('listening on 127.0.0.1:%d' % server.server_port, flush=True)
server.serve_forever()
