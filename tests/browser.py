"""Chromium without a window, driven through its debugging pipe, for the tests of pages.

The protocol is JSON with a NUL behind each message, on the file descriptors 3 and 4 of the browser: it needs neither a
port nor a package.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
REASON = "needs Chromium: `make browser`, or apt-get install chromium"
needs_browser = pytest.mark.skipif(CHROMIUM is None, reason=REASON)
FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe"]
FLAGS += ["--no-first-run", "--hide-scrollbars", "--disable-background-networking", "--force-color-profile=srgb"]
PATIENCE = 60  # seconds without an answer
ASKED = ("Runtime", "Log", "Page", "Network")


class Browser:
    """One tab; `errors` are what the console got, `requests` the addresses that were asked for."""

    def __init__(self):
        self.errors, self.requests, self._number = [], [], 0
        self._folder = tempfile.TemporaryDirectory()
        to_read, self._to = os.pipe()
        self._from, to_write = os.pipe()
        self._buffer = b""

        def numbered():
            high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 50) for fd in (to_read, to_write)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        command = [CHROMIUM, *FLAGS, f"--user-data-dir={self._folder.name}", "about:blank"]
        self._log = tempfile.TemporaryFile()  # noqa: SIM115
        heard = {"stdout": subprocess.DEVNULL, "stderr": self._log}
        self._process = subprocess.Popen(command, preexec_fn=numbered, pass_fds=(3, 4), **heard)
        os.close(to_read)
        os.close(to_write)
        targets = self._ask("Target.getTargets")["targetInfos"]
        page = next(target["targetId"] for target in targets if target["type"] == "page")
        self._session = None
        self._session = self._ask("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        for domain in ASKED:
            self._ask(f"{domain}.enable")

    _session = None

    def _ask(self, method, **parameters):
        """The result of a command; what happens meanwhile is noted."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def _next(self):
        while b"\0" not in self._buffer:
            assert select.select([self._from], [], [], PATIENCE)[0], f"the browser is silent: {self._said()}"
            part = os.read(self._from, 2**16)
            assert part, f"the browser has ended: {self._said()}"
            self._buffer += part
        text, self._buffer = self._buffer.split(b"\0", 1)
        message = json.loads(text)
        self._note(message.get("method"), message.get("params", {}))
        return message

    def _said(self):
        self._log.seek(0)
        return self._log.read().decode(errors="replace")[-2000:]

    def _note(self, method, given):
        if method == "Runtime.exceptionThrown":
            self.errors.append(given["exceptionDetails"].get("exception", {}).get("description", "an exception"))
        elif method == "Runtime.consoleAPICalled" and given["type"] in ("error", "warning", "assert"):
            self.errors.append(str([argument.get("value") for argument in given["args"]]))
        elif method == "Log.entryAdded" and given["entry"]["level"] in ("error", "warning"):
            self.errors.append(given["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(given["request"]["url"])
        elif method == "Page.javascriptDialogOpening":
            self.errors.append(f"a dialog: {given['message']}")
        self.loaded = self.loaded or method == "Page.loadEventFired"

    loaded = False

    def open(self, path, *, width=1280, height=900, dark=False, media=""):
        """Load a file, in a window of this size."""
        self.errors, self.requests, self.loaded = [], [], False
        phone = width < 600
        self._ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", media=media, features=[scheme])
        self._ask("Page.navigate", url=path.resolve().as_uri())
        while not self.loaded:
            self._next()
        self.run("0")  # modules have run by now, or fail here
        return self

    def run(self, code):
        """The value of an expression in the page; a promise is waited for."""
        found = self._ask("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def press(self, key, *, shift=False):
        """Press a key of the keyboard."""
        text = {"Enter": "\r"}.get(key, "")
        code = {"Tab": 9, "Enter": 13, "ArrowDown": 40, "ArrowRight": 39}.get(key, 0)
        common = {"key": key, "code": key, "windowsVirtualKeyCode": code, "modifiers": 8 * shift}
        self._ask("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
        self._ask("Input.dispatchKeyEvent", type="keyUp", **common)

    def picture(self, path, *, whole=False):
        """Write the window, or the whole page, as PNG."""
        found = self._ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))
        return path

    def printed(self, path):
        """Write the page as PDF, as it is printed."""
        path.write_bytes(base64.b64decode(self._ask("Page.printToPDF", printBackground=True)["data"]))
        return path

    def close(self):
        """End the browser."""
        try:
            self._session = None
            self._ask("Browser.close")
        except (AssertionError, OSError):
            pass
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        os.close(self._from)
        self._log.close()
        self._folder.cleanup()


@pytest.fixture(scope="module")
def browser():
    """A browser for the tests of a module, which skip without one."""
    if CHROMIUM is None:
        pytest.skip(REASON)
    made = Browser()
    yield made
    made.close()
