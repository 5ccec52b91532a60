// imapflow: the tree of mailboxes, waiting, messages in parts, changes, and coming back by QRESYNC, all compressed.

import assert from 'node:assert/strict';
import net from 'node:net';
import { createRequire } from 'node:module';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

const at = JSON.parse(process.argv[2]);
const { ImapFlow } = createRequire(`${at.modules}/`)('imapflow');

async function connect(more = {}) {
    const client = new ImapFlow({
        host: 'localhost',
        port: at.imaps,
        secure: true,
        tls: { ca: readFileSync(at.certificate) },
        auth: { user: at.user, pass: at.password },
        qresync: true,
        logger: false,
        ...more
    });
    client.on('error', error => { throw error; });
    await client.connect();
    return client;
}

// What comes within half a minute.
async function told(client, event, so = () => true) {
    const signal = AbortSignal.timeout(30_000);
    for (;;) {
        const [what] = await once(client, event, { signal });
        if (so(what)) return what;
    }
}

function deliver(subject) {
    const lines = ['HELO x', 'MAIL FROM:<bob@x.test>', `RCPT TO:<${at.user}>`, 'DATA', `Subject: ${subject}\r\n\r\nbody of ${subject}\r\n.`, 'QUIT'];
    const socket = net.connect(at.smtp, '127.0.0.1');
    socket.on('data', () => { const line = lines.shift(); if (line) socket.write(`${line}\r\n`); });
    return once(socket, 'close');
}

const client = await connect();
assert.ok(client.enabled.has('QRESYNC') && client.enabled.has('CONDSTORE'), [...client.enabled].join());
assert.ok(client._inflate, 'not compressed'); // it asks for COMPRESS where that is offered, and says so nowhere else

// The tree.
for (const path of [['Arbeit', 'Übersicht'], ['Arbeit', '2026'], 'Sent', 'Trash', 'Drafts', 'Junk', 'Weg']) {
    const made = await client.mailboxCreate(path);
    assert.ok(made.created, made.path);
}
assert.equal((await client.mailboxCreate('Weg')).created, false);
await client.mailboxUnsubscribe('Junk');
await client.mailboxRename(['Arbeit', '2026'], ['Alt & Neu', '2026']);
await client.mailboxDelete('Weg');
const tree = await client.listTree();
const named = (node, depth = 0) => [`${'-'.repeat(depth)}${node.name ?? ''}`, ...(node.folders ?? []).flatMap(f => named(f, depth + 1))];
assert.deepEqual(named(tree), ['', '-INBOX', '-Sent', '-Drafts', '-Junk', '-Trash', '-Alt & Neu', '--2026', '-Arbeit', '--Übersicht']);
const boxes = Object.fromEntries((await client.list({ statusQuery: { messages: true, unseen: true } })).map(box => [box.path, box]));
for (const name of ['Sent', 'Trash', 'Drafts', 'Junk']) {
    assert.equal(boxes[name].specialUse, `\\${name}`);
    assert.equal(boxes[name].specialUseSource, 'extension');
    assert.equal(boxes[name].subscribed, name !== 'Junk' || undefined, name);
    assert.equal(boxes[name].status.messages, 0);
}

// It waits by itself, and hears of new mail, of a flag, and of what is gone.
let inbox = await client.mailboxOpen('INBOX');
assert.equal(inbox.exists, 0);
const other = await connect({ disableAutoIdle: true });
await other.mailboxOpen('INBOX');
void client.idle();
let [news] = await Promise.all([told(client, 'exists'), deliver('it waits')]);
assert.deepEqual([news.path, news.count, news.prevCount], ['INBOX', 1, 0]);
await other.noop();
[news] = await Promise.all([told(client, 'flags', f => f.flags.has('\\Flagged')), other.messageFlagsAdd('1', ['\\Flagged'])]);
assert.equal(news.uid, 1);
assert.ok(news.modseq > 0n);
[news] = await Promise.all([told(client, 'expunge'), other.messageDelete('1')]);
assert.deepEqual([news.uid, news.vanished], [1, true]);

// A message of several parts, a large one among them.
const large = Buffer.alloc(3_000_000, 'Lorem ipsum dolor sit amet, '.repeat(37) + '\x00\xff', 'latin1');
const base64 = large.toString('base64').replace(/.{76}/g, '$&\r\n');
const whole = [
    'From: =?utf-8?Q?J=C3=BCrgen?= <juergen@x.test>', `To: Alice <${at.user}>, bob@x.test`, 'Subject: =?utf-8?Q?f=C3=BCr_dich?=',
    'Date: Thu, 04 Mar 2021 05:06:07 +0000', 'Message-ID: <parts@x.test>', 'MIME-Version: 1.0', 'Content-Type: multipart/mixed; boundary=b', '',
    '--b', 'Content-Type: multipart/alternative; boundary=c', '',
    '--c', 'Content-Type: text/plain; charset=iso-8859-1', 'Content-Transfer-Encoding: quoted-printable', '', 'sch=F6ne Gr=FC=DFe', '',
    '--c', 'Content-Type: text/html; charset=utf-8', 'Content-Transfer-Encoding: 8bit', '', '<p>schöne Grüße</p>', '--c--', '',
    '--b', "Content-Type: application/octet-stream; name*=utf-8''gro%C3%9F.bin", "Content-Disposition: attachment; filename*=utf-8''gro%C3%9F.bin",
    'Content-Transfer-Encoding: base64', '', base64, '--b--', ''
].join('\r\n');
const when = new Date('2021-03-04T05:06:07Z');
const put = await client.append('INBOX', whole, ['\\Seen', '$Label1'], when);
assert.equal(put.uid, 2);
await client.append('INBOX', 'Subject: plain\r\n\r\nnothing\r\n');
await client.append('Drafts', 'Subject: to be written\r\n\r\n', ['\\Draft']);
const message = await client.fetchOne('2', { envelope: true, bodyStructure: true, flags: true, internalDate: true, size: true, headers: ['subject'] }, { uid: true });
assert.equal(message.envelope.subject, 'für dich');
assert.deepEqual(message.envelope.from, [{ name: 'Jürgen', address: 'juergen@x.test' }]);
assert.deepEqual(message.envelope.to.map(to => to.address), [at.user, 'bob@x.test']);
assert.equal(message.envelope.messageId, '<parts@x.test>');
assert.deepEqual(message.internalDate, when);
assert.equal(message.size, Buffer.byteLength(whole));
assert.ok(message.flags.has('\\Seen') && message.flags.has('$Label1'));
const [alternative, attached] = message.bodyStructure.childNodes;
assert.deepEqual(alternative.childNodes.map(part => [part.part, part.type]), [['1.1', 'text/plain'], ['1.2', 'text/html']]);
assert.equal(attached.dispositionParameters.filename, 'groß.bin');
assert.equal(attached.size, base64.length);

// Parts come decoded, in pieces that it asks for itself.
async function download(part) {
    const { meta, content } = await client.download('2', part, { uid: true });
    const pieces = [];
    for await (const piece of content) pieces.push(piece);
    return [meta, Buffer.concat(pieces)];
}
const [meta, bytes] = await download('2');
assert.equal(meta.filename, 'groß.bin');
assert.ok(bytes.equals(large), `${bytes.length} octets`);
assert.equal((await download('1.1'))[1].toString().trim(), 'schöne Grüße');
assert.ok((await download())[1].equals(Buffer.from(whole)), 'the whole message');
const both = await client.downloadMany('2', ['1.1', '1.2'], { uid: true });
assert.ok(both['1.2'].content.toString().includes('schöne Grüße'));

// Searches, changes, moves.
assert.deepEqual(await client.search({ subject: 'für', body: 'GRÜßE' }, { uid: true }), [2]);
assert.deepEqual(await client.search({ or: [{ keyword: '$Label1' }, { header: { subject: 'plain' } }] }, { uid: true }), [2, 3]);
assert.deepEqual(await client.search({ seen: false, since: new Date('2022-01-01'), smaller: 1000 }, { uid: true }), [3]);
const summary = await client.search({ all: true }, { uid: true, returnOptions: ['MIN', 'MAX', 'COUNT'] });
assert.deepEqual([summary.min, summary.max, summary.count], [2, 3, 2]);
assert.ok(await client.messageFlagsAdd('3', ['\\Answered', 'Eigenes'], { uid: true }));
assert.ok(await client.messageFlagsRemove('2', ['$Label1'], { uid: true }));
const state = { uidValidity: client.mailbox.uidValidity, changedSince: client.mailbox.highestModseq };
const copied = await client.messageCopy('2:3', ['Arbeit', 'Übersicht'], { uid: true });
assert.deepEqual([...copied.uidMap], [[2, 1], [3, 2]]);
const moved = await client.messageMove('3', 'Trash', { uid: true });
assert.deepEqual([...moved.uidMap], [[3, 1]]);
await client.logout();

// While it was away something changed; it comes back and hears of that alone.
await other.mailboxOpen('INBOX');
await other.append('INBOX', 'Subject: another\r\n\r\n');
await other.messageFlagsSet('2', ['\\Flagged', '$Later'], { uid: true });
await other.logout();
const back = await connect();
const heard = [];
back.on('flags', f => heard.push(`${f.uid} ${[...f.flags].filter(flag => flag !== '\\Recent').sort().join(' ')}`));
back.on('expunge', gone => heard.push(`${gone.uid} gone ${gone.vanished} ${gone.earlier}`));
inbox = await back.mailboxOpen('INBOX', state);
assert.equal(inbox.qresync, true);
assert.equal(inbox.exists, 2);
assert.deepEqual(heard.sort(), ['2 $Later \\Flagged', '3 gone true true', '4 ']);
await back.logout();
