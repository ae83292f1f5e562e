// The receiver, as your customer would run one: verifies each request with the webhook's secret, and responds quickly.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";

import { verify, WebhookVerificationError } from "@fanfare/sdk";

const { PORT = "3000", WEBHOOK_SECRET = "" } = process.env;
// A real receiver keeps this in its database.
const seen = new Set<string>();

async function receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
	try {
		// The raw body: parsing and serializing it again would change its bytes, and the signature would not match.
		const event = await verify<{ orderId: number }>(await buffer(request), request.headers, WEBHOOK_SECRET);
		// Delivery is at least once, so an event can arrive twice. Its id is the same each time.
		if (!seen.has(event.id)) console.log(`received ${event.id}: ${event.type}, order ${event.data.orderId}`);
		seen.add(event.id);
		// Any 2xx, within seconds. After any other response, or none, Fanfare tries again later.
		response.writeHead(204).end();
	} catch (error) {
		console.error(error instanceof Error ? error.message : error);
		response.writeHead(error instanceof WebhookVerificationError ? 400 : 500).end();
	}
}

const server = createServer((request, response) => void receive(request, response));
server.listen(Number(PORT), "127.0.0.1", () => console.log(`receiving on http://127.0.0.1:${PORT}/hooks`));
