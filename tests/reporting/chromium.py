"""A headless Chromium, driven over a pair of pipes by the DevTools protocol."""

import base64
import contextlib
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import time

PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--hide-scrollbars", "--remote-debugging-pipe"),
]


class Chromium:
    """One tab. errors: what its console complained of; requests: addresses that it asked for."""

    def __init__(self, pipes):
        self._read, self._write = pipes
        self._numbers = itertools.count(1)
        self._received = b""
        self._session = {}
        self.errors, self.requests = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = {"sessionId": session["sessionId"]}
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        """The result of a method of the protocol."""
        number = next(self._numbers)
        session = {} if method.startswith("Browser.") else self._session
        message = {"id": number, "method": method, "params": params, **session}
        os.write(self._write, json.dumps(message).encode() + b"\0")
        while True:
            message = self._next()
            if message.get("id") == number:
                assert "error" not in message, message
                return message["result"]

    def _next(self, seconds=30):
        """The next message, whose complaints and requests are kept."""
        end = time.monotonic() + seconds
        while b"\0" not in self._received:
            ready, _, _ = select.select([self._read], [], [], max(0, end - time.monotonic()))
            assert ready, "Chromium does not answer"
            received = os.read(self._read, 1 << 20)
            assert received, "Chromium has ended"
            self._received += received
        text, _, self._received = self._received.partition(b"\0")
        message = json.loads(text)
        params = message.get("params", {})
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif message.get("method") == "Runtime.exceptionThrown":
            self.errors.append(str(params["exceptionDetails"]))
        elif message.get("method") == "Runtime.consoleAPICalled" and params["type"] == "error":
            self.errors.append(str(params["args"]))
        elif message.get("method") == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.errors.append(params["entry"]["text"])
        return message

    def look_like(self, width, height=900, dark=False):
        """Set the size of the window and the color scheme that the reader prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def open(self, path):
        """Open a file and wait until it is loaded."""
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.evaluate(
            "new Promise(done => document.readyState == 'complete'"
            " ? done() : addEventListener('load', done))"
        )

    def evaluate(self, expression):
        """The value of a JavaScript expression; a promise is waited for."""
        result = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def screenshot(self, path):
        """Save what the window shows, and the page below it, as a PNG."""
        image = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        path.write_bytes(base64.b64decode(image["data"]))


@contextlib.contextmanager
def started(profile):
    """A Chromium of its own, with an empty profile in a folder."""
    ours, theirs = zip(os.pipe(), os.pipe()[::-1], strict=True)
    # Chromium reads from 3 and writes to 4: keep the ends clear of these numbers.
    high = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for end in (theirs[1], theirs[0])]
    command = f'exec "$0" "$@" 3<&{high[0]} 4>&{high[1]}'
    arguments = [PROGRAM, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
    with subprocess.Popen(
        ["bash", "-c", command, *arguments], pass_fds=high, stderr=subprocess.DEVNULL
    ) as process:
        for end in (*theirs, *high):
            os.close(end)
        try:
            browser = Chromium(ours)
            yield browser
            browser.call("Browser.close")
            process.wait(30)
        finally:
            process.kill()
            for end in ours:
                os.close(end)
