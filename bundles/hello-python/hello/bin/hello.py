#!/usr/bin/env python3
"""Greets over HTTP. Needs nothing but Python 3: no package, no library of ours."""

import http.server
import os
import signal
import sys
import threading
import time
import urllib.error
import urllib.request

EXIT_NOT_SIGNALLED = 70
PATIENCE_S = 16


class Greeting(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        host = os.environ.get("BUNDLE_HOST_IP", "no node")
        text = f"hello from {host}, port {self.server.server_port}\n".encode()
        self.send_response(200)
        self.send_header("content-type", "text/plain; charset=utf-8")
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, form, *values):
        # Lines on stdout are information to a node, lines on stderr errors.
        print(form % values, flush=True)


def signal_start():
    """Tells the node that callers may come; ends the process if the node cannot be told."""
    bundle = os.environ.get("BUNDLE_ID")
    if not bundle:
        return  # No node started this: nobody has to be told.
    url = f"{os.environ['CONDUCTR_STATUS']}/bundles/{bundle}?isStarted=true"
    request = urllib.request.Request(url, method="PUT")
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            urllib.request.urlopen(request, timeout=5).close()
            return
        except (urllib.error.URLError, OSError) as error:
            # A node that is just restarting is asked again.
            if time.monotonic() > deadline:
                print(f"error: could not signal the start at {url}: {error}", file=sys.stderr)
                sys.exit(EXIT_NOT_SIGNALLED)
            time.sleep(0.25)


def main():
    address = (os.environ.get("HELLO_BIND_IP", "127.0.0.1"), int(os.environ.get("HELLO_BIND_PORT", "8120")))
    server = http.server.ThreadingHTTPServer(address, Greeting)
    # From a thread of its own: the server waits for its own end otherwise.
    end = threading.Thread(target=server.shutdown)
    signal.signal(signal.SIGTERM, lambda *_: end.start())
    print(f"listening at {address[0]}:{address[1]}", flush=True)
    # Connections are accepted by the kernel from here on, so the word is true.
    signal_start()
    server.serve_forever()


if __name__ == "__main__":
    main()
