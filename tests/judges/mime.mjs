// What two MIME parsers of other makers read in mails. Standard input: JSON list of paths. Output: per mail, per parser.
import { readFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { simpleParser } from "mailparser";
import PostalMime from "postal-mime";

const sha256 = (content) => createHash("sha256").update(Buffer.from(content)).digest("hex");
const plain = (list) => (list ?? []).map(({ name, address }) => [name ?? "", address ?? ""]);
const asked = { skipHtmlToText: true, skipTextToHtml: true, skipImageLinks: true, skipTextLinks: true };

async function byMailparser(bytes) {
  const read = await simpleParser(bytes, asked);
  const people = (name) => plain(read[name] ? [read[name]].flat().flatMap((one) => one.value) : []);
  return {
    subject: read.subject, from: people("from"), to: people("to"), cc: people("cc"), bcc: people("bcc"),
    replyTo: people("replyTo"), messageId: read.messageId, date: read.date?.toISOString(),
    headers: read.headerLines.map((line) => line.key), text: read.text, html: read.html,
    attachments: read.attachments.map((one) => [one.filename, one.contentType, one.contentDisposition, sha256(one.content)]),
  };
}

// This parser reads a calendar as text, whose lines then end as on Unix.
const asWritten = ({ mimeType, content }) => (mimeType === "text/calendar"
  ? new TextDecoder().decode(content).replace(/\r?\n/g, "\r\n") : content);

async function byPostalMime(bytes) {
  const read = await PostalMime.parse(bytes);
  return {
    subject: read.subject, from: plain([read.from]), to: plain(read.to), cc: plain(read.cc), bcc: plain(read.bcc),
    replyTo: plain(read.replyTo), messageId: read.messageId, date: read.date && new Date(read.date).toISOString(),
    headers: read.headers.map((header) => header.key), text: read.text, html: read.html,
    attachments: read.attachments.map((one) => [one.filename, one.mimeType, one.disposition, sha256(asWritten(one))]),
  };
}

const found = [];
for (const path of JSON.parse(readFileSync(0, "utf8"))) {
  const bytes = readFileSync(path);
  found.push({ mailparser: await byMailparser(bytes), "postal-mime": await byPostalMime(bytes) });
}
console.log(JSON.stringify(found));
