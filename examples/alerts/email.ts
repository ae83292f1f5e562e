// Sends an e-mail for each of Fanfare's own events.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

import { verify, WebhookVerificationError } from "@fanfare/sdk";
import { createTransport } from "nodemailer";

import { sentenceOf } from "./sentence.ts";

const { PORT = "3002", WEBHOOK_SECRET = "", SMTP_URL = "", FROM = "", TO = "" } = process.env;
const mail = createTransport(SMTP_URL);

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
	try {
		const event = await verify(await buffer(request), request.headers, WEBHOOK_SECRET);
		const text = sentenceOf(event);
		// An event that arrives twice is the same message: mail programs show it once.
		await mail.sendMail({ from: FROM, to: TO, subject: text, text, messageId: `<${event.id}@fanfare>` });
		response.writeHead(204).end();
	} catch (error) {
		// If the mail server did not take it, Fanfare tries again later.
		console.error(error instanceof Error ? error.message : error);
		response.writeHead(error instanceof WebhookVerificationError ? 400 : 502).end();
	}
}

const server = createServer((request, response) => void receive(request, response));
server.listen(Number(PORT), "127.0.0.1", () => console.log(`alerting on http://127.0.0.1:${PORT}/`));
