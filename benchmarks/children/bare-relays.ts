// A process that does for relays' clients the least that a server can: it gives them streams and requests, takes their answers, and keeps
// nothing. With it in the place of Fanfare, these clients take from the machine what they take, and nothing from Fanfare.
import { createServer, type AddressInfo, type Socket } from "node:net";

import { serveCalls } from "../harness/process/serve-calls.ts";
import { frameOf } from "../wire/framing.ts";

export interface BareRelaysCalls {
	/** Returns the URL. */
	listen(): Promise<string>;
}

/** One relay: its client's connection, if there is one, and the requests that wait for the next one. */
interface Relay {
	stream: Socket | null;
	waiting: string[];
}

const STREAM_PATH = /^GET \/projects\/([^/]+)\/relays\/([^/]+)\/requests /;
const SEND_PATH = /^POST \/projects\/([^/]+)\/events /;
/** As long as those of a request of Fanfare. */
const HEADERS = Array.from({ length: 6 }, (_, number) => [`webhook-header-${number}`, "0123456789abcdef".repeat(3)]);

/** By the id of their project, and then by their own. A relay is known from its first client on. */
const projects = new Map<string, Map<string, Relay>>();
let requests = 0;

const STREAM_HEAD =
	"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-store\r\n" +
	"x-content-type-options: nosniff\r\nx-accel-buffering: no\r\ntransfer-encoding: chunked\r\n\r\n";

function chunk(text: string): string {
	return `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
}

function signal(data: { readonly kind: string; readonly [name: string]: unknown }): string {
	return `event: ${data.kind}\ndata: ${JSON.stringify(data)}\n\n`;
}

function response(status: string, data: object): string {
	const body = JSON.stringify(data);
	return `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function open(socket: Socket, projectId: string, relayId: string): void {
	const relays = projects.get(projectId) ?? new Map<string, Relay>();
	projects.set(projectId, relays);
	const relay: Relay = relays.get(relayId) ?? { stream: null, waiting: [] };
	relays.set(relayId, relay);
	relay.stream = socket;
	socket.once("close", () => {
		if (relay.stream === socket) relay.stream = null;
	});
	const ready = `retry: 1000\n${signal({ kind: "ready", relayId, webhookId: relayId })}`;
	socket.write(STREAM_HEAD + [ready, ...relay.waiting.splice(0)].map(chunk).join(""));
}

/** Gives an event to each relay of the project, now or when its client is back. */
function give(projectId: string, body: Buffer): void {
	const bodyBase64 = body.toString("base64");
	for (const relay of projects.get(projectId)?.values() ?? []) {
		const requestId = `dlv_${String(++requests).padStart(36, "0")}.1`;
		const request = signal({
			kind: "request",
			requestId,
			attemptNumber: 1,
			headers: HEADERS,
			method: "POST",
			bodyBase64,
		});
		if (relay.stream === null) relay.waiting.push(request);
		else relay.stream.write(chunk(request));
	}
}

function answer(socket: Socket, message: Buffer, bodyAt: number): void {
	const line = message.toString("latin1", 0, message.indexOf("\r\n"));
	const [, projectId, relayId] = STREAM_PATH.exec(line) ?? [];
	if (projectId !== undefined && relayId !== undefined) return open(socket, projectId, relayId);
	const sentTo = SEND_PATH.exec(line)?.[1];
	if (sentTo === undefined) return void socket.write(response("200 OK", { object: "relayAnswer" }));
	give(sentTo, message.subarray(bodyAt));
	socket.write(response("202 Accepted", { object: "event" }));
}

function serve(socket: Socket): void {
	let rest: Buffer | null = null;
	socket.setNoDelay(true);
	socket.on("error", () => socket.destroy());
	socket.on("data", (data: Buffer) => {
		let bytes = rest === null ? data : Buffer.concat([rest, data]);
		for (let frame = frameOf(bytes); frame !== null && bytes.length >= frame.end; frame = frameOf(bytes)) {
			answer(socket, bytes.subarray(0, frame.end), frame.bodyAt);
			bytes = bytes.subarray(frame.end);
		}
		rest = bytes.length === 0 ? null : bytes;
	});
}

serveCalls<BareRelaysCalls>({
	listen() {
		const server = createServer(serve);
		return new Promise((resolve, reject) => {
			server.once("error", reject);
			server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`));
		});
	},
});
