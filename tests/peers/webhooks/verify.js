// Verifies requests of webhooks: v1 by the library of Standard Webhooks, v1a by Node's own crypto.
// Standard input: {"secret", "public", "requests": [{"headers", "body"}]}; prints one line "v1 v1a" for each.
const { Webhook } = require("standardwebhooks");
const crypto = require("node:crypto");

const given = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const raw = Buffer.from(given.public.replace("whpk_", ""), "base64");
const key = crypto.createPublicKey({
  key: Buffer.concat([Buffer.from("302a300506032b6570032100", "hex"), raw]),
  format: "der",
  type: "spki",
});

for (const { headers, body } of given.requests) {
  const words = [];
  try {
    new Webhook(given.secret).verify(body, headers);
    words.push("v1");
  } catch (error) {
    words.push(`no-v1(${error.message})`);
  }
  const signed = Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.${body}`);
  const good = headers["webhook-signature"]
    .split(" ")
    .filter((one) => one.startsWith("v1a,"))
    .some((one) => crypto.verify(null, signed, key, Buffer.from(one.slice(4), "base64")));
  words.push(good ? "v1a" : "no-v1a");
  console.log(words.join(" "));
}
