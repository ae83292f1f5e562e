// A relay's client in a process of its own: answers each request with 200, and prints what happens, an object a line.
import { Client } from "@fanfare/sdk";

const [endpoint = "", key = "", projectId = "", secret = ""] = process.argv.slice(2);
const print = (line: object) => process.stdout.write(`${JSON.stringify(line)}\n`);
const relay = { device: "laptop", secret, timeoutMs: 30_000 };
const onState = ({ state }: { readonly state: string }) => print({ state });

for await (const request of new Client(key, { endpoint }).project(projectId).relays.connect(relay, { onState })) {
	print({ request: request.requestId, event: request.eventId });
	await request.answer({ status: 200 });
}
