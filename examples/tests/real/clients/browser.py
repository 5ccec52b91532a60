"""A headless Chromium that scripts drive as a person would, by its DevTools protocol over pipes: nothing else is needed."""

import base64, fcntl, json, os, subprocess, time

PROGRAM = "chromium-headless-shell"


class Browser:
    def __init__(self, folder):
        theirs, self.requests = os.pipe()
        self.replies, theirs_too = os.pipe()
        # It reads from 3 and writes to 4, whatever those are here.
        theirs, theirs_too = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (theirs, theirs_too))

        def wire():
            os.dup2(theirs, 3)
            os.dup2(theirs_too, 4)

        options = ["--no-sandbox", "--remote-debugging-pipe", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                   "--disable-background-networking", "--window-size=1300,900", "--lang=en-US", f"--user-data-dir={folder}", "about:blank"]
        self.process = subprocess.Popen([PROGRAM, *options], preexec_fn=wire, pass_fds=(3, 4), stderr=subprocess.DEVNULL)
        for fd in (theirs, theirs_too):
            os.close(fd)
        self.last, self.read, self.page = 0, b"", None
        target = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.page = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        self.call("Page.enable")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.page = None
        self.call("Browser.close")
        self.process.wait()

    def call(self, method, **parameters):
        self.last += 1
        message = {"id": self.last, "method": method, "params": parameters}
        if self.page:
            message["sessionId"] = self.page
        os.write(self.requests, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.read:
                more = os.read(self.replies, 1 << 20)
                if not more:
                    raise SystemExit("the browser is gone")
                self.read += more
            line, self.read = self.read.split(b"\0", 1)
            answer = json.loads(line)
            if answer.get("method") == "Page.javascriptDialogOpening":
                raise SystemExit(f"a dialog: {answer}")
            if answer.get("id") == self.last:
                if "error" in answer:
                    raise SystemExit(f"{method}: {answer['error']}")
                return answer["result"]

    def go(self, address):
        self.call("Page.navigate", url=address)

    def ask(self, script):
        """What an expression is worth; None where it cannot be said yet."""
        return self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)["result"].get("value")

    def choose(self, element, file):
        """Gives a file to an input for such."""
        held = self.call("Runtime.evaluate", expression=element)["result"]["objectId"]
        self.call("DOM.setFileInputFiles", objectId=held, files=[str(file)])

    def within(self, seconds, script):
        """What an expression is worth once that is something, or what it is after so long; an element is just true."""
        end = time.monotonic() + seconds
        script = f"(value => value?.nodeType ? true : value)({script})"
        while not (value := self.ask(script)) and time.monotonic() < end:
            time.sleep(0.05)
        return value

    def until(self, script, what=None):
        """Waits until an expression is true, at most half a minute."""
        return self.within(30, script) or self.give_up(what or script)

    def give_up(self, what):
        if picture := os.environ.get("MAILCORE_PICTURE"):
            self.picture(picture)
        raise SystemExit(f"never: {what}\n{self.ask('document.body.innerText')}")

    def place(self, element):
        """Where the middle of an element is, once it stands still there and nothing covers it."""
        return self.until(
            f"""(() => {{
                const element = {element};
                if (!element) return null;
                element.scrollIntoView({{block: 'nearest'}});
                const box = element.getBoundingClientRect(), x = box.x + box.width / 2, y = box.y + box.height / 2;
                const top = element.ownerDocument.elementFromPoint(x, y);
                if (!box.width || !top || !(element.contains(top) || top.contains(element))) return null;
                let frame = element.ownerDocument.defaultView.frameElement;
                const outer = frame ? frame.getBoundingClientRect() : {{x: 0, y: 0}};
                return [x + outer.x, y + outer.y];
            }})()""",
            f"a place for {element} on",
        )

    def mouse(self, kind, place):
        self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1,
                  buttons=0 if kind == "mouseReleased" else 1)

    def hover(self, element):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", **dict(zip("xy", self.place(element))))

    def click(self, element):
        place = self.place(element)
        self.mouse("mousePressed", place)
        self.mouse("mouseReleased", place)

    def press(self, element, so):
        """Clicks until that has come of it, as a person does whose click was not heeded."""
        self.insist(lambda: self.click(element), so)

    def insist(self, act, so):
        for _ in range(5):
            act()
            if self.within(8, so):
                return
        self.give_up(f"{so} after five times")

    def drag(self, element, to, over):
        """Holds an element over another until that is seen to be ready for it, and drops it."""
        a, b = self.place(element), self.place(to)
        self.mouse("mousePressed", a)
        for part in range(600):
            self.mouse("mouseMoved", [a[n] + (b[n] - a[n]) * min(1, part / 4) + part % 3 for n in (0, 1)])
            self.ask("new Promise(requestAnimationFrame)")
            if self.ask(over):
                break
        self.mouse("mouseReleased", b)

    def type(self, element, text):
        self.click(element)
        self.call("Input.insertText", text=text)

    def key(self, name, code):
        for kind in ("rawKeyDown", "keyUp") if name != "Enter" else ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=code, text="\r" if name == "Enter" else "")

    def picture(self, file):
        with open(file, "wb") as out:
            out.write(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))
