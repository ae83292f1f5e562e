// Long documents that anybody may ask for: each part waits for a turn of its own.
import { text } from "node:stream/consumers";

import { expect, it } from "vitest";

import { apiRoutes } from "../resources/table.ts";
import { piecesOf, streamOf } from "./pieces.ts";

it("writes a document in parts, each when it is its turn and the client reads on", async () => {
	const written = `<a>${"x".repeat(50_000)}<a>ö<a>`;
	const pieces = piecesOf(written, "<a>");
	let turns = 0;
	const reader = streamOf(pieces, async () => void turns++, Buffer.from("é")).getReader();
	const parts: Uint8Array[] = [];
	for (;;) {
		const { value, done } = await reader.read();
		if (done) break;
		parts.push(value);
		expect(turns).toBe(parts.length);
		expect(value.length).toBeLessThanOrEqual(2 * 16 * 1_024);
	}
	expect(parts.length).toBeGreaterThan(2);
	expect(Buffer.concat(parts).toString()).toBe(written.replaceAll("<a>", "é"));
	expect(await text(streamOf(piecesOf("short"), async () => {}))).toBe("short");
});

it("makes nothing for a client that goes while it waits", async () => {
	const turn = Promise.withResolvers<void>();
	const reader = streamOf(piecesOf("text"), () => turn.promise).getReader();
	const read = reader.read();
	await reader.cancel();
	turn.resolve();
	expect(await read).toEqual({ value: undefined, done: true });
});

it.each(["getOpenApi", "getApiDocs", "getMetrics"])("is what %s does, which needs no key", async (id) => {
	const route = apiRoutes().find((each) => each.id === id);
	let turns = 0;
	const deps = {
		ownTurn: async () => void turns++,
		metrics: async () => ({ contentType: "text/plain", text: "up 1" }),
		version: "1.2.3",
		publicUrl: "http://fanfare.example",
	};
	const reply = await route?.handle({ deps, connection: {} } as never);
	const body = reply?.body;
	const read = body instanceof ReadableStream ? await text(body) : body;
	// Of some 0.8 MB in parts of up to 32 KB.
	expect(turns).toBeGreaterThanOrEqual(id === "getMetrics" ? 1 : 20);
	expect(read).toContain({ getOpenApi: '"openapi":"3.1', getApiDocs: "<html", getMetrics: "up 1" }[id]);
});
