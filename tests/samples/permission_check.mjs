// An independent checker of the field `Permission`, written from docs/PERMISSION.md and docs/PROOF.md alone.
// node permission_check.mjs TOKEN DOCUMENT.json: prints "genuine", or why not and exits with 1.
import { createHash, createPublicKey, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const sha = (...parts) => parts.reduce((h, p) => h.update(p), createHash("sha256")).digest();
const leafHash = (data) => sha(Buffer.from([0]), data);
const nodeHash = (l, r) => sha(Buffer.from([1]), l, r);
const hex = (text) => Buffer.from(text, "hex");
const fail = (why) => { console.log(why); process.exit(1); };
const need = (ok, why) => { if (!ok) fail(why); };

// JSON with sorted keys and no blanks; all values here are integers, ASCII text and objects of them.
const canonical = (v) => v !== null && typeof v === "object"
  ? "{" + Object.keys(v).sort().map((k) => JSON.stringify(k) + ":" + canonical(v[k])).join(",") + "}"
  : JSON.stringify(v);

function included(hash, number, size, path) {
  need(number >= 0 && number < size, "outside the tree");
  let fn = BigInt(number), sn = BigInt(size) - 1n, r = hash;
  for (const p of path) {
    need(sn !== 0n, "path too long");
    if (fn & 1n || fn === sn) {
      r = nodeHash(p, r);
      while (!(fn & 1n) && fn) { fn >>= 1n; sn >>= 1n; }
    } else r = nodeHash(r, p);
    fn >>= 1n; sn >>= 1n;
  }
  need(sn === 0n, "path too short");
  return r;
}

function grown(first, second, root, path) {
  if (first === second) { need(path.length === 0, "path too long"); return root; }
  need(first > 0 && first < second && path.length > 0, "sizes are wrong");
  const rest = (first & (first - 1)) ? [...path] : [root, ...path];
  let fn = BigInt(first) - 1n, sn = BigInt(second) - 1n;
  while (fn & 1n) { fn >>= 1n; sn >>= 1n; }
  let fr = rest[0], sr = rest[0];
  for (const c of rest.slice(1)) {
    need(sn !== 0n, "path too long");
    if (fn & 1n || fn === sn) {
      fr = nodeHash(c, fr); sr = nodeHash(c, sr);
      while (!(fn & 1n) && fn) { fn >>= 1n; sn >>= 1n; }
    } else sr = nodeHash(sr, c);
    fn >>= 1n; sn >>= 1n;
  }
  need(sn === 0n && fr.equals(root), "the older tree is not the beginning of the newer one");
  return sr;
}

function checkHead(head) {
  const raw = Buffer.from(head.public_key, "base64");
  need(sha(raw).toString("hex").slice(0, 16) === head.key, "another key than it names");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x: raw.toString("base64url") }, format: "jwk" });
  const { at_us, key: id, previous, root, size } = head;
  const data = Buffer.from("relay audit head v1\n" + canonical({ at_us, key: id, previous, root, size }));
  need(verify(null, data, key, Buffer.from(head.signature, "base64")), "a head's signature is wrong");
}

const [token, file] = process.argv.slice(2);
const raw = Buffer.from(token, "base64url");
need(raw.length === 189 && raw[0] === 1, "no token of version 1");
const said = {
  leaf: raw.readUIntBE(1, 6), size: raw.readUIntBE(7, 6), at_us: Number(raw.readBigUInt64BE(13)),
  key: raw.subarray(21, 29).toString("hex"), bound: raw.subarray(29, 61), root: raw.subarray(61, 93),
  previous: raw.subarray(93, 125), signature: raw.subarray(125, 189),
};
const doc = JSON.parse(readFileSync(file, "utf8"));
need(doc.type === "relay-permission" && doc.version === 1 && doc.permission === token, "another document");
const then = doc.then;
const previous = said.previous.equals(Buffer.alloc(32)) ? "" : said.previous.toString("hex");
need(then.size === said.size && then.root === said.root.toString("hex") && then.at_us === said.at_us
  && then.key === said.key && then.previous === previous
  && then.signature === said.signature.toString("base64"), "another head than the mail's");
checkHead(then);
checkHead(doc.head);
need(doc.number === said.leaf, "another leaf");
need(["consent-given", "consents-given", "adopted"].includes(doc.leaf.action), "no consent");
need(included(leafHash(said.bound), doc.place, doc.leaf.records, doc.batch.map(hex)).toString("hex") === doc.leaf.root,
  "not in its leaf");
need(included(leafHash(Buffer.from(canonical(doc.leaf))), said.leaf, said.size, doc.path.map(hex)).equals(said.root),
  "not in the tree");
need(grown(said.size, doc.head.size, said.root, doc.consistency.map(hex)).equals(hex(doc.head.root)), "written anew");
console.log("genuine");
