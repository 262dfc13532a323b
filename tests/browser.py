"""A headless Chromium that tests drive over a pipe, in the DevTools protocol, with the standard library only."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage",
    "--disable-extensions", "--no-first-run", "--remote-debugging-pipe",
)  # fmt: skip
COMMANDS, ANSWERS = 3, 4
"""File descriptors on which Chromium listens and speaks."""


def starts(path: str) -> bool:
    """Whether it says its version: a name on the path may be a stub that only tells how to install the browser."""
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=60).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


CHROMIUM = next((path for path in map(shutil.which, NAMES) if path and starts(path)), None)


class Crashed(Exception):
    """The process that draws a tab has ended."""


class Browser:
    """One process; `open` gives a fresh tab.

    Raises
    ------
    Crashed, TimeoutError : when a tab is lost, when the browser does not answer within 60 s.
    """

    def __init__(self, profile: Path) -> None:
        ours, theirs = os.pipe(), os.pipe()
        inner = [fcntl.fcntl(fd, fcntl.F_DUPFD, 64) for fd in (ours[0], theirs[1])]

        def place() -> None:
            os.dup2(inner[0], COMMANDS)
            os.dup2(inner[1], ANSWERS)

        self.process = subprocess.Popen(
            [str(CHROMIUM), *FLAGS, f"--user-data-dir={profile}", "about:blank"], preexec_fn=place, close_fds=False,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        for fd in (ours[0], theirs[1], *inner):
            os.close(fd)
        self.out, self.into = theirs[0], ours[1]
        self.buffer, self.number = b"", 0
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        """Send one command and wait for its answer; what happens meanwhile is kept in `events`."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self.into, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != self.number:
            self.events.append(answer)
            if answer.get("method") == "Inspector.targetCrashed":
                raise Crashed(f"the tab crashed during {method}")
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error'].get('message')}")
        return dict(answer["result"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self.buffer:
            if not select.select([self.out], [], [], 60)[0]:
                raise TimeoutError("the browser is silent")
            read = os.read(self.out, 1 << 20)
            if not read:
                raise EOFError("the browser has ended")
            self.buffer += read
        first, _, self.buffer = self.buffer.partition(b"\0")
        return dict(json.loads(first))

    def open(self, url: str, width: int = 1280, height: int = 900, dark: bool = False, before: str = "") -> Tab:
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, session)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.call(f"{domain}.enable")
        tab.call("Emulation.setFocusEmulationEnabled", enabled=True)
        tab.size(width, height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        tab.call("Emulation.setEmulatedMedia", features=[scheme])
        if before:
            tab.call("Page.addScriptToEvaluateOnNewDocument", source=before)
        tab.go(url)
        return tab

    def has_fonts(self) -> bool:
        """Whether a word has a width. Where no font is installed it has none, and form controls crash Chromium."""
        tab = self.open("data:text/html,<html data-ready=yes><span>word</span>")
        return bool(tab.js("document.querySelector('span').getBoundingClientRect().width > 0"))

    def close(self) -> None:
        with contextlib.suppress(EOFError, OSError):
            self.call("Browser.close")
        self.process.wait(30)
        os.close(self.out)
        os.close(self.into)


class Tab:
    """One page that is open."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser, self.session = browser, session

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        return self.browser.call(method, self.session, **params)

    def size(self, width: int, height: int = 900) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def go(self, url: str) -> None:
        """Open `url` anew, and wait until the page's script has come to its end."""
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && !!document.documentElement.dataset.ready")

    def until(self, condition: str, seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not self.js(condition):
            if time.monotonic() > end:
                raise TimeoutError(f"never true: {condition}")
            time.sleep(0.02)

    def js(self, expression: str) -> Any:
        """The value of an expression, promises waited for."""
        got = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True, userGesture=True)
        if "exceptionDetails" in got:
            raise RuntimeError(got["exceptionDetails"].get("exception", {}).get("description", str(got)))
        return got["result"].get("value")

    def key(self, key: str) -> None:
        """Press and release one key, as a keyboard does."""
        codes = {"Enter": 13, "Escape": 27, "ArrowDown": 40, "ArrowUp": 38, "ArrowLeft": 37, "ArrowRight": 39, "Tab": 9}
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        code = codes.get(key) or ord(key.upper())
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text, windowsVirtualKeyCode=code)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code)

    def type(self, text: str) -> None:
        for character in text:
            self.key(character)

    def picture(self, path: Path, whole: bool = False) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", captureBeyondViewport=whole)["data"]))

    def pdf(self) -> bytes:
        """The page as it prints."""
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    @property
    def complaints(self) -> list[str]:
        """What the console, the log and uncaught exceptions said in this tab."""
        kinds = ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")
        return [json.dumps(e["params"]) for e in self._events(*kinds)]

    @property
    def requests(self) -> list[str]:
        """Every address that this tab asked for."""
        return [str(e["params"]["request"]["url"]) for e in self._events("Network.requestWillBeSent")]

    def _events(self, *methods: str) -> list[dict[str, Any]]:
        return [e for e in self.browser.events if e.get("sessionId") == self.session and e.get("method") in methods]
