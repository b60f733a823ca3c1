// Sends one message by nodemailer: reads {options, from, to, raw} as JSON (raw in base64) from standard input.
'use strict';
const nodemailer = require('nodemailer');

let input = '';
process.stdin.on('data', (chunk) => { input += chunk; });
process.stdin.on('end', async () => {
    const { options, from, to, raw } = JSON.parse(input);
    const transport = nodemailer.createTransport(options);
    try {
        const info = await transport.sendMail({ envelope: { from, to }, raw: Buffer.from(raw, 'base64') });
        console.log(info.response);
    } catch (error) {
        console.error(error.response || error.message);
        process.exitCode = 1;
    } finally {
        transport.close();
    }
});
