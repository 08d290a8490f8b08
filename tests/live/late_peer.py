# SPDX-License-Identifier: Apache-2.0
"""An HTTP server that answers 200 ms late. Prints its port."""
import http.server
import time


class Late(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        time.sleep(0.2)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"late")

    def log_message(self, *arguments):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Late)
print(server.server_port, flush=True)
server.serve_forever()
