// Does the steps it reads by Resend's own library; `get` and `cancel` are about the last message that was scheduled.
const { Resend } = require("resend");

async function main() {
  const resend = new Resend();
  const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
  const found = [];
  let last = null;
  for (const step of given) {
    const what = step.with || {};
    for (const file of what.attachments || []) {
      file.content = Buffer.from(file.octets);
      delete file.octets;
    }
    let done;
    if (step.do === "send") done = await resend.emails.send(what, step.options);
    if (step.do === "batch") done = await resend.batch.send(what, step.options);
    if (step.do === "get") done = await resend.emails.get(last);
    if (step.do === "cancel") done = await resend.emails.cancel(last);
    if (what.scheduledAt && done.data) last = done.data.id;
    found.push({ data: done.data, error: done.error });
  }
  console.log(JSON.stringify(found));
}
main().catch((error) => {
  console.error(error);
  process.exit(1);
});
