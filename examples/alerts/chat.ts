// Tells a chat, such as Slack or Mattermost, by its incoming webhook, what Fanfare reports in its own events.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

import { verify, WebhookVerificationError } from "@fanfare/sdk";

import { sentenceOf } from "./sentence.ts";

const { PORT = "3001", WEBHOOK_SECRET = "", CHAT_URL = "" } = process.env;

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
	try {
		const event = await verify(await buffer(request), request.headers, WEBHOOK_SECRET);
		const body = JSON.stringify({ text: sentenceOf(event) });
		const headers = { "content-type": "application/json" };
		const chat = await fetch(CHAT_URL, { method: "POST", headers, body, signal: AbortSignal.timeout(10_000) });
		// If the chat did not take it, Fanfare tries again later.
		response.writeHead(chat.ok ? 204 : 502).end();
	} catch (error) {
		console.error(error instanceof Error ? error.message : error);
		response.writeHead(error instanceof WebhookVerificationError ? 400 : 502).end();
	}
}

const server = createServer((request, response) => void receive(request, response));
server.listen(Number(PORT), "127.0.0.1", () => console.log(`alerting on http://127.0.0.1:${PORT}/`));
