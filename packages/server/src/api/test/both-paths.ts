// Two servers on one engine, one with the lean path and one without, that get the same requests byte for byte.
import { connect } from "node:net";

import { DEADLINE_MS } from "@fanfare/testkit/deadline";
import { requestHead } from "@fanfare/testkit/raw-connection";
import { expect } from "vitest";

import { ManualClock } from "../../core/manual-clock.ts";
import type { ApiDeps } from "../deps.ts";
import { caller, type Caller } from "./caller.ts";
import { IN_ACCEPTOR_THREAD, listenOnNode, PLAIN_HOST } from "./node-server.ts";
import { EVENT, type Sent } from "./plain-sends.ts";

export interface Both extends Caller {
	/** The number of requests that took the lean path. */
	readonly taken: () => number;
	/** What both servers respond to a request, and to one after it on the same connection. */
	readonly compare: (sent: Sent) => Promise<{ byLean: string; byApp: string }>;
	readonly bytesOf: (sent: Sent) => Buffer;
	readonly port: number;
	/** The port of the server without the lean path. */
	readonly plainPort: number;
	/** The clock by which the server with the lean path ends bodies that nobody reads. */
	readonly clock: ManualClock;
}

export async function openBoth(parts: Partial<ApiDeps> = {}, limits: ApiDeps["limits"] = {}): Promise<Both> {
	const api = await caller(limits, null, parts);
	const { app, lean, keys, project, lines } = api;
	let taken = 0;
	const counted: typeof lean.respond = (request, response, endBody) => {
		const isTaken = lean.respond(request, response, endBody);
		if (isTaken) taken++;
		return isTaken;
	};
	const log = (line: (typeof lines)[number]) => void (lines as (typeof line)[]).push(line);
	const clock = new ManualClock();
	const answer: typeof lean.answer = (send) => {
		taken++;
		return lean.answer(send);
	};
	const port = await listenOnNode(app, { respond: counted, answer }, log, clock);
	const plainPort = await listenOnNode(app, null, log);

	function bytesOf({
		method = "POST",
		path = "./events",
		version = "1.1",
		headers = {},
		lines = [],
		body = EVENT,
	}: Sent) {
		const usual = {
			host: PLAIN_HOST,
			authorization: `Bearer ${keys.admin}`,
			"content-type": "application/json",
			"content-length": String(Buffer.byteLength(body)),
		};
		const all = Object.entries({ ...usual, ...headers }).filter(([, value]) => value !== null);
		const head = [...all.map(([name, value]) => `${name}: ${value}`), ...lines].map((line) => `${line}\r\n`).join("");
		const target = path.startsWith("./") ? `/projects/${project.id}/${path.slice(2)}` : path;
		return Buffer.concat([
			Buffer.from(`${method} ${target} HTTP/${version}\r\n${head}\r\n`, "latin1"),
			typeof body === "string" ? Buffer.from(body) : body,
		]);
	}

	/** Lines of the log. A thread hands plain sends over one turn later than other requests, so a request after one may be answered before it. */
	function written(from: number, to?: number): object[] {
		const all = lines.slice(from, to).map(withoutChance);
		return IN_ACCEPTOR_THREAD ? all.sort(byPath) : all;
	}

	async function compare(sent: Sent) {
		const bytes = bytesOf(sent);
		const connection = sent.headers?.["connection"];
		const isLast = connection === "close" || (sent.version === "1.0" && connection !== "keep-alive");
		const before = lines.length;
		const byApp = await exchange(plainPort, bytes, isLast);
		const between = lines.length;
		const byLean = await exchange(port, bytes, isLast);
		expect(responsesIn(byLean)).toEqual(responsesIn(byApp));
		expect(written(between)).toEqual(written(before, between));
		return { byLean, byApp };
	}
	return { ...api, taken: () => taken, compare, bytesOf, port, plainPort, clock };
}

/** Everything that comes back for some bytes, and for one more request on the connection unless they are the last, until the server closes it. */
function exchange(port: number, bytes: Uint8Array, isLast: boolean): Promise<string> {
	return new Promise((resolve, reject) => {
		const socket = connect(port, "127.0.0.1");
		const chunks: Buffer[] = [];
		socket.setTimeout(DEADLINE_MS, () => socket.destroy(new Error(`no end of the connection: ${String(chunks)}`)));
		socket.on("data", (chunk: Buffer) => chunks.push(chunk));
		socket.on("error", reject);
		socket.on("close", () => resolve(Buffer.concat(chunks).toString()));
		const next = isLast ? "" : requestHead("GET", "/healthz", { connection: "close" });
		socket.write(Buffer.concat([bytes, Buffer.from(next)]));
	});
}

/** The responses in a text, each with its headers in alphabetical order, and without what differs between two equal sends. */
export function responsesIn(text: string): { status: string; headers: string[]; body: string }[] {
	return text
		.split(/(?=HTTP\/1\.1 \d{3} )/)
		.filter((response) => response !== "")
		.map((response) => {
			const [head = "", body = ""] = response.split("\r\n\r\n", 2);
			const [status = "", ...headers] = head.split("\r\n");
			const length = `: ${Buffer.byteLength(body)}`;
			// What the app's listener writes as content-length, the one of the command writes as Content-Length.
			const named = headers.map((line) =>
				line
					.replace(/^[^:]+/, (name) => name.toLowerCase())
					.replace(/^date: .*/, "date")
					.replace(`content-length${length}`, "content-length: right"),
			);
			return { status, headers: named.map(withoutIds).sort(), body: withoutIds(body) };
		});
}

function withoutIds(text: string): string {
	return text
		.replaceAll(/req_[0-9a-f]{32}/g, "req_")
		.replaceAll(/evt_[0-9a-f-]{36}/g, "evt_")
		.replaceAll(/"duplicate":(true|false)/g, '"duplicate":');
}

function byPath(a: object, b: object): number {
	return String("path" in a && a.path).localeCompare(String("path" in b && b.path));
}

/** A log line without what differs by chance. */
function withoutChance({ requestId, durationMs, cause, ...line }: Caller["lines"][number]): object {
	return { ...line, cause: String(cause), hasId: requestId.startsWith("req_"), hasDuration: durationMs >= 0 };
}

export function statusOf(text: string): number {
	return Number(text.slice("HTTP/1.1 ".length, "HTTP/1.1 ".length + 3));
}
