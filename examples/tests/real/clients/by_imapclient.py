"""IMAPClient: folders, searches, orders, changes and waiting, as programs written with it do."""

import datetime, email.message, json, smtplib, ssl, sys
from imapclient import IMAPClient, SEEN, FLAGGED, DELETED, ANSWERED, DRAFT
from imapclient.exceptions import IMAPClientError

at = json.loads(sys.argv[1])
tls = ssl.create_default_context(cafile=at["certificate"])


def connect():
    client = IMAPClient("localhost", port=at["imaps"], ssl_context=tls, timeout=30)
    client.login(at["user"], at["password"])
    return client


def message(subject, body="", **fields):
    m = email.message.EmailMessage()
    m["From"], m["To"], m["Subject"] = "Jürgen Groß <juergen@x.test>", at["user"], subject
    for name, value in fields.items():
        m[name.replace("_", "-")] = value
    m.set_content(body)
    return m.as_bytes()


c = connect()
assert c.welcome.startswith(b"* OK"), c.welcome
for wanted in ["IMAP4REV1", "IDLE", "SORT", "THREAD=REFERENCES", "CONDSTORE", "MOVE", "UIDPLUS", "MULTIAPPEND"]:
    assert c.has_capability(wanted), (wanted, c.capabilities())
assert c.namespace().personal == (("", "."),), c.namespace()
assert c.id_({"name": "a test"}) is not None

# Folders: names beyond ASCII, below one another, subscribed, renamed with what is below.
c.create_folder("Entwürfe & Ähnliches")
c.create_folder("日本.語")
c.create_folder("Work.Projects.2026")
assert c.folder_exists("日本.語") and not c.folder_exists("Nirgends")
c.subscribe_folder("日本.語")
c.subscribe_folder("Work.Projects.2026")
c.unsubscribe_folder("Work.Projects.2026")
assert [n for _, _, n in c.list_sub_folders()] == ["日本.語"], c.list_sub_folders()
c.rename_folder("Work", "Büro")
names = {name for _, _, name in c.list_folders()}
assert {"INBOX", "Entwürfe & Ähnliches", "日本.語", "Büro.Projects.2026"} <= names, names
assert not any(n.startswith("Work") for n in names), names
below = {name for _, _, name in c.list_folders("Büro.", "%")}
assert below == {"Büro.Projects"}, below
try:
    c.create_folder("日本.語")
    raise SystemExit("made twice")
except IMAPClientError as e:
    assert "ALREADYEXISTS" in str(e), e

# Messages: one with flags and a date, then three at once.
when = datetime.datetime(2021, 3, 4, 5, 6, 7, tzinfo=datetime.timezone.utc)
said = c.append("INBOX", message("Grüße", "schöne Grüße aus Köln\n", Message_ID="<1@x.test>", Date="Thu, 04 Mar 2021 05:06:07 +0000"), [FLAGGED, "$Work"], when)
assert b"[APPENDUID " in said, said
c.multiappend("INBOX", [
    {"msg": message("Re: Grüße", "danke\n", Message_ID="<2@x.test>", In_Reply_To="<1@x.test>", References="<1@x.test>", Date="Fri, 05 Mar 2021 05:06:07 +0000"), "flags": [SEEN]},
    message("alpha", "x" * 5000 + "\n", Message_ID="<3@x.test>", Date="Mon, 01 Mar 2021 05:06:07 +0000"),
    message("beta", "Straße\n", Message_ID="<4@x.test>", Date="Sat, 06 Mar 2021 05:06:07 +0000"),
])
c.enable("CONDSTORE")
picked = c.select_folder("INBOX")
assert picked[b"EXISTS"] == 4 and picked[b"UIDNEXT"] == 5 and picked[b"HIGHESTMODSEQ"] > 0, picked
assert b"\\*" in picked[b"PERMANENTFLAGS"] and b"$Work" in picked[b"FLAGS"], picked
got = c.fetch([1, 3], ["ENVELOPE", "BODYSTRUCTURE", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "MODSEQ", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]"])
envelope = got[1][b"ENVELOPE"]
assert envelope.message_id == b"<1@x.test>" and envelope.date == datetime.datetime(2021, 3, 4, 5, 6, 7), envelope
assert envelope.to[0].mailbox == b"alice" and envelope.to[0].host == b"example.test", envelope
assert email.header.make_header(email.header.decode_header(envelope.subject.decode())) == "Grüße", envelope
assert got[1][b"INTERNALDATE"].astimezone(datetime.timezone.utc) == when, got  # it comes in local time
assert set(got[1][b"FLAGS"]) >= {FLAGGED, b"$Work"} and got[3][b"RFC822.SIZE"] > 5000
assert got[1][b"BODYSTRUCTURE"][:2] == (b"text", b"plain"), got[1]
since = max(m[b"MODSEQ"][0] for m in c.fetch(c.search(), ["MODSEQ"]).values())

# Searches with a charset, orders, threads.
for criteria, charset, found in [
    (["SUBJECT", "grüsse"], "UTF-8", []),
    (["SUBJECT", "GRÜßE"], "UTF-8", [1, 2]),
    (["BODY", "köln"], "UTF-8", [1]),
    (["TEXT", "straße"], "ISO-8859-1", [4]),
    (["OR", "FLAGGED", ["SINCE", datetime.date(2021, 3, 4), "LARGER", 5000]], None, [1, 3]),
    (["NOT", "KEYWORD", "$Work", "UNSEEN"], None, [3, 4]),
    (["SENTBEFORE", datetime.date(2021, 3, 4)], None, [3]),
    (["MODSEQ", since], None, [2, 3, 4]),
    (["MODSEQ", since + 1], None, []),
]:
    assert c.search(criteria, charset) == found, (criteria, c.search(criteria, charset))
assert c.search(["MODSEQ", since]).modseq == since
assert c.sort("REVERSE DATE") == [4, 2, 1, 3], c.sort("REVERSE DATE")
assert c.sort(["SUBJECT", "DATE"], ["NOT", "SUBJECT", "grüße"]) == [3, 4]
assert c.thread() == ((3,), (1, 2), (4,)), c.thread()
assert c.thread("ORDEREDSUBJECT", ["SUBJECT", "grüße"]) == ((1, 2),)

# Flags; and what another has changed meanwhile.
assert set(c.add_flags(2, [ANSWERED, "$Forwarded"])[2]) >= {SEEN, ANSWERED, b"$Forwarded"}
assert set(c.remove_flags(1, [FLAGGED])[1]) - {b"\\Recent"} == {b"$Work"}
assert set(c.set_flags(4, [DRAFT])[4]) - {b"\\Recent"} == {DRAFT}
assert c.add_flags(4, ["NonJunk"], silent=True) is None
changed = c.fetch(c.search(), ["FLAGS"], modifiers=[f"CHANGEDSINCE {since}"])
assert sorted(changed) == [1, 2, 4], changed
assert c.folder_status("INBOX", ["MESSAGES", "UNSEEN", "UIDNEXT", "HIGHESTMODSEQ"])[b"UNSEEN"] == 3

# Waiting: mail comes, another client marks and takes away.
other = connect()
other.select_folder("INBOX")


def told(what):
    for _ in range(30):
        heard.extend(c.idle_check(timeout=1))
        if any(line[:2] == what for line in heard):
            return
    raise SystemExit(f"IDLE does not tell of {what}: {heard}")


heard = []
c.idle()
smtp = smtplib.SMTP("localhost", at["smtp"])
smtp.sendmail("bob@x.test", [at["user"]], message("while it waits"))
smtp.quit()
told((5, b"EXISTS"))
other.noop()
other.add_flags(1, [SEEN])
told((1, b"FETCH"))
other.delete_messages([3])
other.expunge([3])
told((3, b"EXPUNGE"))
assert c.idle_done()[0].startswith(b"Idle completed"), "IDLE ends"
assert c.fetch(4, ["UID"])[4][b"SEQ"] == 3, "counted anew"

# From folder to folder.
c.copy([1, 2], "Büro.Projects.2026")
c.move([4], "日本.語")
c.delete_messages([2])
c.expunge()
c.select_folder("日本.語", readonly=True)
assert c.fetch(c.search(), ["FLAGS"])[1][b"FLAGS"][0] == DRAFT
c.unselect_folder()
c.select_folder("Entwürfe & Ähnliches")
assert c.search() == []
c.close_folder()
c.delete_folder("Entwürfe & Ähnliches")
other.logout()
assert c.logout().startswith(b"Logging out")
