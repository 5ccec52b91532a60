"""aioimaplib: many clients in one program, all waiting in IDLE."""

import asyncio, json, smtplib, ssl, sys
import aioimaplib

at = json.loads(sys.argv[1])
tls = ssl.create_default_context(cafile=at["certificate"])


async def connect():
    client = aioimaplib.IMAP4_SSL("localhost", at["imaps"], timeout=30, ssl_context=tls)
    await client.wait_hello_from_server()
    assert (await client.login(at["user"], at["password"])).result == "OK"
    assert (await client.select("INBOX")).result == "OK"
    return client


def deliver(subject):
    smtp = smtplib.SMTP("localhost", at["smtp"])
    smtp.sendmail("bob@x.test", [at["user"]], f"Subject: {subject}\r\n\r\nbody of {subject}\r\n")
    smtp.quit()


async def told(client, what):
    """Returns once this waiting client has been told."""
    while True:
        for line in await asyncio.wait_for(client.wait_server_push(), 30):
            if what in line:
                return


async def main():
    deliver("first")
    waiting = await asyncio.gather(*[connect() for _ in range(10)])
    for client in waiting:
        assert client.has_capability("IDLE") and client.has_capability("MOVE"), client.protocol.capabilities
    idles = [await client.idle_start(timeout=60) for client in waiting]

    # Mail comes: all ten hear of it, then of a flag, then of what is gone.
    await asyncio.to_thread(deliver, "second")
    await asyncio.gather(*[told(client, b"2 EXISTS") for client in waiting])
    acting = await connect()
    assert (await acting.uid("store", "1", "+FLAGS", r"(\Flagged $Label1)")).result == "OK"
    await asyncio.gather(*[told(client, b"1 FETCH (FLAGS (") for client in waiting])
    assert (await acting.store("2", "+FLAGS", r"(\Deleted)")).result == "OK"
    assert (await acting.expunge()).lines[0] == b"2 EXPUNGE"
    await asyncio.gather(*[told(client, b"2 EXPUNGE") for client in waiting])
    for client, idle in zip(waiting, idles):
        client.idle_done()
        await asyncio.wait_for(idle, 30)

    # All of them at once: each puts a message in, finds it, and moves it away.
    assert (await acting.create("Taken")).result == "OK"

    async def work(n, client):
        text = f"Subject: by client {n}\r\n\r\nof {n}: ".encode() + b"x" * 20_000 + b"\r\n"
        assert (await client.append(text, mailbox="INBOX", flags=r"\Seen")).result == "OK"
        found = await client.uid_search("SUBJECT", f'"by client {n}"')
        assert found.result == "OK", found
        uid = found.lines[0].decode()
        got = await client.uid("fetch", uid, "(FLAGS BODY.PEEK[])")
        assert text in got.lines, (n, got.lines)
        moved = await client.uid("move", uid, "Taken")
        assert moved.result == "OK", moved
        return uid

    uids = await asyncio.gather(*[work(n, client) for n, client in enumerate(waiting)])
    assert len(set(uids)) == 10, uids
    assert (await acting.status("Taken", "(MESSAGES)")).lines[0] == b"Taken (MESSAGES 10)"

    # Two commands of one client under way together: each answer goes to who asked.
    found, fetched = await asyncio.gather(acting.uid_search("ALL"), acting.fetch("1", "(FLAGS)"))
    assert found.lines[0] == b"1" and fetched.lines[0].startswith(b"1 FETCH (FLAGS ("), (found, fetched)
    await asyncio.gather(*[client.logout() for client in [*waiting, acting]])


asyncio.run(main())
