"""Roundcube in a headless Chromium: a person logs in, reads, searches, marks, moves, deletes, writes, and sees mail come."""

import email.message, json, os, pathlib, shlex, smtplib, socket, subprocess, sys, time
from browser import Browser

at = json.loads(sys.argv[1])
here = pathlib.Path(at["scratch"]) / "roundcube"
here.mkdir()

CONFIG = """<?php
$config = [
    'db_dsnw' => 'sqlite:///%(here)s/db', 'log_dir' => '%(here)s', 'temp_dir' => '%(here)s', 'des_key' => '0123456789abcdef01234567',
    'imap_host' => 'ssl://localhost:%(imaps)d', 'imap_conn_options' => ['ssl' => ['cafile' => '%(certificate)s']],
    'smtp_host' => 'tls://localhost:%(submission)d', 'smtp_conn_options' => ['ssl' => ['cafile' => '%(certificate)s']],
    'imap_cache' => 'db', 'messages_cache' => 'db', 'create_default_folders' => true,
    'min_refresh_interval' => 1, 'refresh_interval' => 600, 'enable_spellcheck' => false, 'language' => 'en_US', 'plugins' => [],
];
"""


def serve():
    """The web server; it ends with this script."""
    config = here / "config"
    config.mkdir()
    (config / "config.inc.php").write_text(CONFIG % (at | {"here": here}))
    for name in ("defaults.inc.php", "mimetypes.php"):
        (config / name).symlink_to(f"/etc/roundcube/{name}")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = "127.0.0.1:%d" % free.getsockname()[1]
    server = subprocess.Popen(
        ["php", "-d", "upload_max_filesize=20M", "-d", "post_max_size=20M", "-S", address, "-t", "/var/lib/roundcube/public_html"],
        env=os.environ | {"ROUNDCUBE_CONFIG_DIR": str(config), "PHP_CLI_SERVER_WORKERS": "4"},
        stdout=subprocess.DEVNULL, stderr=open(here / "php", "w"), start_new_session=True)
    for _ in range(300):
        with socket.socket() as ready:
            if not ready.connect_ex(("127.0.0.1", int(address.split(":")[1]))):
                return server, f"http://{address}/"
        time.sleep(0.1)
    raise SystemExit("php does not serve")


def message(subject, body, attached=None):
    m = email.message.EmailMessage()
    m["From"], m["To"], m["Subject"] = "Jürgen Groß <juergen@x.test>", at["user"], subject
    m.set_content(body)
    if attached:
        m.add_attachment(attached, maintype="application", subtype="octet-stream", filename="Übersicht.bin")
    return m.as_bytes()


def deliver(*messages):
    """Each is there before the next, or their order would not be known."""
    for m in messages:
        smtp = smtplib.SMTP("localhost", at["smtp"])
        smtp.sendmail("juergen@x.test", [at["user"]], m)
        smtp.quit()
        while subprocess.check_output(shlex.split(at["queue_list"])) != b"Mail queue is empty\n":
            time.sleep(0.02)


class Webmail(Browser):
    """Roundcube takes no click before it is ready and while it is busy."""

    def place(self, element):
        self.until("window.rcmail?.loaded && !rcmail.busy")
        return super().place(element)


def row(subject):
    return f"[...document.querySelectorAll('#messagelist tbody tr')].find(r => r.offsetHeight && r.innerText.includes({json.dumps(subject)}))"


def one(selector):
    return f"document.querySelector({json.dumps(selector)})"


def in_preview(text):
    return f"document.querySelector('#messagecontframe')?.contentDocument?.body?.innerText.includes({json.dumps(text)})"


def folder(name):
    return f"[...document.querySelectorAll('#mailboxlist li a')].find(a => a.innerText.trim().startsWith({json.dumps(name)}))"


def in_settings(selector):
    return f"document.querySelector('#preferences-frame')?.contentDocument?.querySelector({json.dumps(selector)})"


def log_in_and_read(b, address):
    b.go(address)
    b.type(one("#rcmloginuser"), at["user"])
    b.type(one("#rcmloginpwd"), at["password"])
    b.click(one("#rcmloginsubmit"))
    b.until(row("a file"))
    b.press(row("Grüße"), in_preview("schöne Grüße aus Köln"))


def make_a_folder(b):
    b.press(one("#taskmenu a.settings"), one("#settings-menu .folders a"))
    b.press(one("#settings-menu .folders a"), one("a.create"))
    b.press(one("a.create"), in_settings("input[name=_name]"))
    b.type(in_settings("input[name=_name]"), "Übersicht & Mehr")
    b.click(in_settings("button.submit"))
    b.until("[...document.querySelectorAll('#subscription-table li')].some(l => l.innerText.includes('Übersicht'))")
    b.press(one("#taskmenu a.mail"), folder("Übersicht & Mehr"))


def mark_move_and_delete(b):
    b.hover(row("to mark"))
    b.click(f"{row('to mark')}.querySelector('td.flags span.flag')")
    b.until(f"{row('to mark')}.classList.contains('flagged')")
    target = folder("Übersicht")
    b.press(row("to move"), in_preview("take it there"))
    b.drag(f"{row('to move')}.querySelector('span.subject')", target, f"{target}.closest('li').classList.contains('droptarget') && !rcmail.busy")
    b.until(f"!{row('to move')}")
    b.press(row("to delete"), in_preview("take it away"))
    b.click(one("a.delete"))
    b.until(f"!{row('to delete')}")
    b.until(in_preview("schöne Grüße aus Köln"))  # the next one opens by itself
    b.press(target, row("to move"))
    b.press(folder("Inbox"), row("Grüße"))


def search(b):
    """In subjects, then in whole messages."""
    found = f"!{row('to mark')} && {row('Grüße')}"
    b.type(one("#mailsearchform"), "GRÜßE")
    b.insist(lambda: b.key("Enter", 13), found)
    b.press(one(".searchbar a.reset"), row("to mark"))
    b.click(one(".searchbar a.options"))
    b.click(one("#searchmenu input[value=text] + label"))
    b.type(one("#mailsearchform"), "SCHÖNE")
    b.press(one("#searchmenu button.search"), found)
    b.press(one(".searchbar a.reset"), row("to mark"))


def see_mail_come(b):
    b.ask("rcmail.env.refresh_interval = 1, rcmail.start_refresh()")  # only here: it heeds no click while it looks
    deliver(message("just now", "it came\n"))
    b.until(row("just now"))
    b.ask("rcmail.env.refresh_interval = 600, rcmail.start_refresh()")


def download(b):
    b.press(row("a file"), in_preview("Übersicht.bin"))
    link = "document.querySelector('#messagecontframe').contentDocument.querySelector('#attachment-list a.filename')"
    got = b.ask(f"fetch({link}.href + '&_download=1').then(answer => answer.text())")
    assert got == "0123456789abcdef" * 20_000, f"{len(got)} octets"


def write(b, subject):
    b.press(one("#taskmenu a.compose"), one("#composebody"))
    b.type(one(".compose-headers .recipient-input input"), "bob@example.test,")
    b.type(one("#compose-subject"), subject)
    b.type(one("#composebody"), "schöne Grüße\nauch von Jürgen")


def send_and_postpone(b):
    file = here / "Straße.bin"
    file.write_bytes(bytes(range(256)) * 1000)
    write(b, "für dich")
    b.choose(one("#uploadform input[type=file]"), file)
    b.until("[...document.querySelectorAll('#attachment-list li')].some(l => l.innerText.includes('Straße.bin') && !l.classList.contains('uploading'))")
    b.click(one("button.send"))
    b.until(row("just now"))
    write(b, "angefangen")
    b.click(one("a.save.draft"))
    b.until("document.body.innerText.includes('Message saved to Drafts')")
    b.press(one("#taskmenu a.mail"), folder("Drafts"))
    b.press(folder("Drafts"), row("angefangen"))
    b.press(folder("Sent"), row("für dich"))


def walk(b, address):
    log_in_and_read(b, address)
    make_a_folder(b)
    mark_move_and_delete(b)
    search(b)
    see_mail_come(b)
    download(b)
    send_and_postpone(b)
    b.press(one("#taskmenu a.logout"), one("#rcmloginuser"))


deliver(
    message("Grüße", "schöne Grüße aus Köln\n"),
    message("to move", "take it there\n"),
    message("to delete", "take it away\n"),
    message("to mark", "nothing\n"),
    message("a file", "see it\n", b"0123456789abcdef" * 20_000),
)
server, address = serve()
try:
    with Webmail(here / "browser") as b:
        walk(b, address)
finally:
    os.killpg(server.pid, 15)
    server.wait()
